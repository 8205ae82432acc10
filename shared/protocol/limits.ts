/**
 * The longest line either end will build or accept, newline included, in bytes.
 *
 * Linux lets one execve carry 6 MiB of arguments and environment. `command`
 * and `argv` both spell the arguments out, so a full command line of ordinary
 * text takes some 12 MiB of JSON; this bound leaves room above it. A longer
 * line (arguments made of control characters grow sixfold when escaped) is sent
 * with `argv_truncated`.
 */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;

/** Seconds between two `heartbeat` lines to a client that is up to date. */
export const HEARTBEAT_SECONDS = 5;
