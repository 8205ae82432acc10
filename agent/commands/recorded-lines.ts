import { MAX_LINE_BYTES } from '../../shared/protocol/limits.ts';
import { AgentError } from '../errors.ts';
import { eventsIn, nameOf, whyUnreadable } from './event-file.ts';
import { LineTooLongError, WholeLines } from '../source/whole-lines.ts';
import { print } from './print.ts';

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
  let last = NEWLINE;
  for await (const chunk of eventsIn(file)) {
    last = chunk.at(-1) ?? last;
    lines.add(chunk);
    await printLines(results.splice(0));
    if (isDone()) return;
  }
  // The last line of a file may lack its newline.
  if (last !== NEWLINE) lines.add(Buffer.of(NEWLINE));
  await printLines(results);
}

async function printLines(results: readonly string[]): Promise<void> {
  if (results.length > 0) await print(`${results.join('\n')}\n`);
}

/**
 * Why the lines of a file could not be read on.
 * @param lines how many were
 * @throws the error itself, where it is not about the file
 */
export function readingProblem(error: unknown, file: string, lines: number): string {
  if (error instanceof LineTooLongError)
    return `${nameOf(file)}:${lines + 1}: the line is longer than ${MAX_LINE_BYTES} bytes`;
  if (error instanceof AgentError) throw error;
  return whyUnreadable(error, file);
}
