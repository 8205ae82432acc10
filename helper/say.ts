import { writeSync } from 'node:fs';
import { VERSION } from '../shared/version.ts';

let toSystemLog: ((text: string) => void) | undefined;

/** Sends messages to the system's log too, for services without a standard error. */
export function sayToSystemLog(write: (text: string) => void): void {
  toSystemLog = write;
}

/**
 * Writes one line to standard error, whatever the text contains: it may end up in a log that others read. Writes
 * directly to the descriptor: a stream of Node.js would query it, which is forbidden after start-up.
 */
export function say(text: string): void {
  const line = `probes-helper ${VERSION}: ${text.replaceAll('\n', ' ')}`;
  toSystemLog?.(line);
  try {
    writeSync(2, `${line}\n`);
  } catch {
    // Nobody reads it, or not now: forwarding matters more.
  }
}
