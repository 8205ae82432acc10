/** How long an event waits for the hash of its image, in milliseconds. A later hash is for the next event with that image. */
export const HASH_WAIT_MS = 200;

/** Images that are asked for and not answered. Beyond it, events go without a hash. */
export const MAX_ASKED = 1024;

/** Answers that the hashing process remembers. */
export const MAX_REMEMBERED = 16_384;

/** Bytes that it reads at a time: between two pieces it answers what it remembers. */
export const PIECE_BYTES = 256 * 1024;

/** Files of up to so many bytes have half of the rate for themselves, so that large images do not hold them up. */
export const SMALL_FILE_BYTES = 8 * 1024 * 1024;

/** Seconds' worth of reading that is saved while nothing is hashed: it covers the start, when every program is new. */
export const SAVED_SECONDS = 4;

/** How often a hashing process with work says that it is alive, and how long it may be silent, in milliseconds. */
export const ALIVE_MS = 1000;
export const SILENT_MS = 10_000;

/** How long no other hashing process is started after one has failed, in milliseconds. */
export const RESTART_MS = 30_000;

/** Hashing processes that were killed and have not ended, since their disk hangs. With so many, no other is started. */
export const MAX_UNENDED = 3;

/** How long the agent's start waits for the hashing process, in milliseconds. */
export const READY_MS = 3000;

/** A file that changed so long after an exec, in milliseconds, is not what was executed. File systems' clocks are coarse. */
export const CLOCK_SLACK_MS = 1000;
