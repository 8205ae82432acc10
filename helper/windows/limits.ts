/** The bounds that only Windows has; those of every system are in ../limits.ts. */

/**
 * Milliseconds that an event waits for its other half. Both are written within the same system call, but may lie in
 * buffers of two processors, which are delivered FLUSH_INTERVAL_MS apart.
 */
export const JOIN_WAIT_MS = 1500;

/** Halves that wait at one time. If there are more, the oldest is sent alone. */
export const MAX_WAITING_HALVES = 4096;

/**
 * 100 ns units between the creation of a process and the event of its other half: a larger difference means another
 * process with the same id.
 */
export const JOIN_DISTANCE = 10n * 10_000_000n;

/** Milliseconds between two requests to Windows to deliver its buffers; by itself it does so only every second. */
export const FLUSH_INTERVAL_MS = 200;

/** Milliseconds between two looks into the ring after a quiet time. */
export const QUIET_LOOK_MS = 50;

/** KiB of one buffer of the session, and the maximum number of buffers: at most 16 MiB of kernel memory. */
export const SESSION_BUFFER_KIB = 64;
export const SESSION_MIN_BUFFERS = 16;
export const SESSION_MAX_BUFFERS = 256;

/** Milliseconds that the thread of the session waits for room in our ring; meanwhile Windows fills its own buffers. */
export const RING_WAIT_MS = 2000;

/** Processes whose path is remembered, to report it as a parent's. */
export const MAX_KNOWN_PROCESSES = 8192;

/** Milliseconds between two look-ups of the drives, if a path is on none of them. */
export const DEVICE_REFRESH_MS = 5000;

/** Bytes for the command line of one process: UNICODE_STRING counts in 16 bits. */
export const MAX_PROCESS_COMMAND_LINE_BYTES = 16 + 65536;

/** Bytes of one write to a pipe, and bytes that a pipe holds for a client that is not reading. */
export const PIPE_WRITE_BYTES = 256 * 1024;
export const PIPE_BUFFER_BYTES = 512 * 1024;

/** Milliseconds between two looks at connections: for waiting clients, and during a write. */
export const ACCEPT_INTERVAL_MS = 100;
export const ROOM_INTERVAL_MS = 5;

/** Milliseconds in which the trace must open, and in which it must end after it was stopped. */
export const TRACE_START_MS = 10_000;
export const TRACE_STOP_MS = 3000;
