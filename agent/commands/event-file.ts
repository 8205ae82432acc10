import { createReadStream } from 'node:fs';
import { reasonOf, systemCode } from '../errors.ts';

/** On the command line, the name of standard input. */
export const STANDARD_INPUT = '-';

const READ_BYTES = 1024 * 1024;

/** Compressed files, by their first bytes. */
const COMPRESSED: ReadonlyArray<readonly [name: string, bytes: Buffer]> = [
  ['gzip', Buffer.from([0x1f, 0x8b])],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
];

/** A file that is there and holds no lines. */
class NoLinesError extends Error {
  override readonly name = 'NoLinesError';
}

/**
 * Reads a file of events, piece by piece.
 * @param file a path, or `-` for standard input
 * @throws where it cannot be read, or is compressed; `whyUnreadable` says so
 */
export async function* eventsIn(file: string): AsyncGenerator<Buffer, void, undefined> {
  const input = file === STANDARD_INPUT ? process.stdin : createReadStream(file, { highWaterMark: READ_BYTES });
  const closed = new Promise((resolve) => input.once('close', resolve));
  let isFirst = true;
  try {
    for await (const chunk of input as AsyncIterable<Buffer>) {
      if (isFirst) refuseCompressed(chunk);
      isFirst = false;
      yield chunk;
    }
  } finally {
    // A pending read would keep the process from ending.
    input.destroy();
    await closed;
  }
}

function refuseCompressed(chunk: Buffer): void {
  const [name] = COMPRESSED.find(([, bytes]) => chunk.subarray(0, bytes.length).equals(bytes)) ?? [];
  if (name !== undefined)
    throw new NoLinesError(`it is compressed; pipe it in: ${name} -dc FILE | probes-agent COMMAND … -`);
}

/** Whether an error of `eventsIn` is about the file, not a defect. */
export const isUnreadable = (error: unknown): boolean =>
  error instanceof NoLinesError || systemCode(error) !== undefined;

/** Why a file of events cannot be read, as one sentence that names it. */
export function whyUnreadable(error: unknown, file: string): string {
  switch (systemCode(error)) {
    case 'ENOENT':
      return `there is no file ${file}`;
    case 'EISDIR':
      return `${nameOf(file)} is a folder; name the files in it`;
    case 'EACCES':
      return `${nameOf(file)}: this user may not read it`;
    default:
      return `${nameOf(file)}: ${reasonOf(error)}`;
  }
}

/** How messages name a file. */
export function nameOf(file: string): string {
  return file === STANDARD_INPUT ? 'standard input' : file;
}
