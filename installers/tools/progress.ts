import { styleText } from 'node:util';

/**
 * Tells the person at the terminal what happens now. On standard error, so that
 * a script's own output stays clean; colour only in a terminal and without NO_COLOR.
 */
export function progress(message: string): void {
  process.stderr.write(`${styleText('cyan', '›', { stream: process.stderr })} ${message}\n`);
}

/** One line on standard error that says what went wrong and what to do. */
export function complain(message: string): void {
  process.stderr.write(`${styleText('red', '✗', { stream: process.stderr })} ${message}\n`);
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
