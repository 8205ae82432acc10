/** The longest answer that is read, in bytes, streams aside. Rules are the longest: some 10,000 of them take 3 MB. */
export const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** How long a whole answer may take, in milliseconds; of a stream, its headers. */
export const ANSWER_TIMEOUT_MS = 10_000;

/** The longest reason that is read of an answer that is no success, in bytes. */
export const MAX_REASON_BYTES = 8 * 1024;
