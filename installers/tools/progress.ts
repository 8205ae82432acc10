import { styleText } from 'node:util';

/** Tells the person at the terminal what happens now. On standard error, so that a script's own output stays clean. */
export function progress(message: string): void {
  process.stderr.write(`${styleText('cyan', '›', { stream: process.stderr })} ${message}\n`);
}

/** Prints on standard error what went wrong and what to do. */
export function complain(message: string): void {
  process.stderr.write(`${styleText('red', '✗', { stream: process.stderr })} ${message}\n`);
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
