/**
 * The longest line that either end builds or accepts, newline included, in bytes.
 *
 * Linux lets one execve carry 6 MiB of arguments and environment. Both `command` and `argv` contain the arguments, so a
 * full command line of ordinary text takes about 12 MiB of JSON; this bound leaves room above it. A longer line
 * (arguments of control characters grow sixfold when escaped) is sent with `argv_truncated`.
 */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;

/** Seconds between two `heartbeat` lines to a client that is up to date. */
export const HEARTBEAT_SECONDS = 5;
