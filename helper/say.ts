import { writeSync } from 'node:fs';
import { VERSION } from '../shared/version.ts';

let toSystemLog: ((text: string) => void) | undefined;

/** Has what is said go to the system's log too, where a service has no standard error. */
export function sayToSystemLog(write: (text: string) => void): void {
  toSystemLog = write;
}

/**
 * Says one line on standard error, whatever the text holds: it may end in a log
 * that others read. Straight to the descriptor: the stream of Node.js asks the
 * system about it, which is not allowed any more after start-up.
 */
export function say(text: string): void {
  const line = `probes-helper ${VERSION}: ${text.replaceAll('\n', ' ')}`;
  toSystemLog?.(line);
  try {
    writeSync(2, `${line}\n`);
  } catch {
    // Nobody listens, or not now: forwarding matters more.
  }
}
