import { createReadStream } from 'node:fs';
import { MAX_LINE_BYTES } from '../../shared/protocol/limits.ts';
import { reasonOf, systemCode } from '../errors.ts';
import { writeAll } from '../files/descriptor.ts';
import { LineTooLongError, WholeLines } from '../source/whole-lines.ts';

const STANDARD_INPUT = '-';
const STANDARD_OUTPUT = 1;
const READ_BYTES = 1024 * 1024;
const NEWLINE = 10;

/**
 * Reads the lines of a file, transforms each and prints the results in order. Holds one read, one line and their results.
 * @param file a path, or `-` for standard input
 * @param transform gets each line without its newline; what it returns is printed as a line, or as several
 * @param isDone asked between reads: whether the rest of the file need not be read
 * @throws where the file cannot be read, a line is too long, or the output cannot be written (EPIPE: nobody reads it)
 */
export async function transformLines(
  file: string,
  transform: (line: string) => string | undefined,
  isDone: () => boolean = () => false,
): Promise<void> {
  const results: string[] = [];
  const take = (text: string): void => {
    for (let start = 0, end = text.indexOf('\n'); end !== -1; start = end + 1, end = text.indexOf('\n', start)) {
      const result = transform(text.slice(start, end));
      if (result !== undefined) results.push(result);
    }
  };
  const lines = new WholeLines((memory, start, end) => take(memory.toString('utf8', start, end)));
  const input = file === STANDARD_INPUT ? process.stdin : createReadStream(file, { highWaterMark: READ_BYTES });
  const closed = new Promise((resolve) => input.once('close', resolve));
  let last = NEWLINE;
  try {
    for await (const chunk of input as AsyncIterable<Buffer>) {
      last = chunk.at(-1) ?? last;
      lines.add(chunk);
      await print(results.splice(0));
      if (isDone()) return;
    }
    // The last line of a file may lack its newline.
    if (last !== NEWLINE) lines.add(Buffer.of(NEWLINE));
    await print(results);
  } finally {
    // A pending read would keep the process from ending.
    input.destroy();
    await closed;
  }
}

/** Waits for the reader, so that nothing piles up here. */
async function print(results: readonly string[]): Promise<void> {
  if (results.length === 0) return;
  const { error } = await writeAll(STANDARD_OUTPUT, Buffer.from(`${results.join('\n')}\n`));
  if (error !== undefined) throw error;
}

/** Why the lines of a file could not be read on. @param lines how many were */
export function readingProblem(error: unknown, file: string, lines: number): string {
  if (error instanceof LineTooLongError)
    return `${nameOf(file)}:${lines + 1}: the line is longer than ${MAX_LINE_BYTES} bytes`;
  return systemCode(error) === 'ENOENT' ? `there is no file ${file}` : `${nameOf(file)}: ${reasonOf(error)}`;
}

/** How messages name a file. */
export function nameOf(file: string): string {
  return file === STANDARD_INPUT ? 'standard input' : file;
}
