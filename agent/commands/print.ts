import { AgentError, reasonOf } from '../errors.ts';
import { writeAll } from '../files/descriptor.ts';
import { neutraliseJson } from '../terminal-text.ts';

const STANDARD_OUTPUT = 1;

/**
 * Writes to standard output, and waits for its reader, so that nothing piles up here.
 * @throws the system's error EPIPE when nobody reads any more
 * @throws {AgentError} OUTPUT_FAILED when it cannot be written for another reason, such as a full disk
 */
export async function print(text: string): Promise<void> {
  const { error } = await writeAll(STANDARD_OUTPUT, Buffer.from(text));
  if (error === undefined) return;
  throw error.code === 'EPIPE' ? error : unwritable(error);
}

/** JSON in lines, as standard output can show it: on a terminal, without what that would obey. */
export function shownJson(lines: string): string {
  return process.stdout.isTTY ? lines.split('\n').map(neutraliseJson).join('\n') : lines;
}

/** Says that a command could not print what it has to say. */
export function unwritable(cause: unknown): AgentError {
  return new AgentError('OUTPUT_FAILED', `standard output cannot be written: ${reasonOf(cause)}`, { cause });
}
