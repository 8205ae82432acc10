import { setPriority } from 'node:os';
import { createInterface } from 'node:readline';
import { MAX_HASHED_BYTES } from '../limits.ts';
import { ImageHasher } from './image-hasher.ts';
import { ALIVE_MS } from './limits.ts';
import type { HashReply, HashRequest, HashSettings } from './protocol.ts';

/** A lower priority than that of other programs: hashing gives way to them. */
const NICE = 10;

/**
 * Hashes files for an agent until its standard input ends. A process of its own can be killed when a disk hangs; a thread would keep the
 * agent from ending.
 */
export async function runHashProcess(): Promise<void> {
  // The agent ends it, by the end of its input; a signal to the whole group must not come before the last hashes.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  try {
    setPriority(NICE);
  } catch {
    // Then it runs with the agent's own priority.
  }
  const say = (reply: HashReply): void => void process.stdout.write(`${JSON.stringify(reply)}\n`);
  process.stdout.on('error', () => process.exit());
  let hasher: ImageHasher | undefined;
  setInterval(() => {
    if (hasher !== undefined && hasher.pending > 0) say(null);
  }, ALIVE_MS).unref();
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    if (hasher === undefined) {
      const { bytesPerSecond } = JSON.parse(line) as HashSettings;
      hasher = new ImageHasher({
        bytesPerSecond,
        maxFileBytes: MAX_HASHED_BYTES,
        answer: (asker, answer) => say([asker, answer]),
      });
      say(null);
    } else hasher.ask(...(JSON.parse(line) as HashRequest));
  }
  hasher?.close();
  process.exit();
}
