import { writeSync } from 'node:fs';
import { VERSION } from '../shared/version.ts';

/**
 * Says one line on standard error, whatever the text holds: it may end in a log
 * that others read. Straight to the descriptor: the stream of Node.js asks the
 * system about it, which is not allowed any more after start-up.
 */
export function say(text: string): void {
  try {
    writeSync(2, `probes-helper ${VERSION}: ${text.replaceAll('\n', ' ')}\n`);
  } catch {
    // Nobody listens, or not now: forwarding matters more.
  }
}
