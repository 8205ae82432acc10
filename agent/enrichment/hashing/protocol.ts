import type { HashAnswer } from './image-hasher.ts';

/** The hidden command with which the agent's program is the hashing process. */
export const HASH_COMMAND = 'hash-images';

/** The first line on its standard input. */
export interface HashSettings {
  readonly bytesPerSecond: number;
}

/** A further line: a number, and the path of a file. */
export type HashRequest = readonly [asker: number, path: string];

/** A line on its standard output: the answer to a number; `null` says that it is ready, or alive. */
export type HashReply = readonly [asker: number, answer: HashAnswer] | null;
