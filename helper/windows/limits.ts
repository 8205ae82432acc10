/** The bounds that only Windows has; those of every system are in ../limits.ts. */

/**
 * Milliseconds that an event waits for its other half. Both are written within the
 * same system call, but may lie in buffers of two processors, which are delivered
 * FLUSH_INTERVAL_MS apart.
 */
export const JOIN_WAIT_MS = 1500;

/** Halves that wait at one time. When there are more, the oldest goes out as it is. */
export const MAX_WAITING_HALVES = 4096;

/** 100 ns between the creation of a process and the event of its other half: more is another process with the same id. */
export const JOIN_DISTANCE = 10n * 10_000_000n;

/** Milliseconds between two requests that Windows delivers what is in its buffers; it does so by itself only every second. */
export const FLUSH_INTERVAL_MS = 200;

/** Milliseconds between two looks into the ring after a quiet time. */
export const QUIET_LOOK_MS = 50;

/** KiB of one buffer of the session, and how many there may be: 16 MiB of kernel memory at the most. */
export const SESSION_BUFFER_KIB = 64;
export const SESSION_MIN_BUFFERS = 16;
export const SESSION_MAX_BUFFERS = 256;

/** Milliseconds that the thread of the session waits for room in our ring; meanwhile Windows fills its own buffers. */
export const RING_WAIT_MS = 2000;

/** Processes of which the path is remembered, to be told as a parent's. */
export const MAX_KNOWN_PROCESSES = 8192;

/** Milliseconds between two look-ups of the drives, when a path is on none of them. */
export const DEVICE_REFRESH_MS = 5000;

/** Bytes for the command line of one process: UNICODE_STRING counts in 16 bits. */
export const MAX_PROCESS_COMMAND_LINE_BYTES = 16 + 65536;

/** Bytes that one write hands to a pipe, and that a pipe holds for a client that is not reading. */
export const PIPE_WRITE_BYTES = 256 * 1024;
export const PIPE_BUFFER_BYTES = 512 * 1024;

/** Milliseconds between two looks at connections: for clients that wait, and while some write is under way. */
export const ACCEPT_INTERVAL_MS = 100;
export const ROOM_INTERVAL_MS = 5;

/** Milliseconds until the trace has to be open, and until it has to have ended when it was stopped. */
export const TRACE_START_MS = 10_000;
export const TRACE_STOP_MS = 3000;
