/**
 * Every bound of the helper in one place. What a hostile or broken neighbour can
 * make the helper use is the sum of these and nothing else.
 */

/** Default of `--ring`: bytes that the kernel may have ahead of us. At 1 KiB an event, some 8,000 events. */
export const DEFAULT_RING_BYTES = 8 * 1024 * 1024;
export const MIN_RING_BYTES = 64 * 1024;
export const MAX_RING_BYTES = 1024 * 1024 * 1024;

/** Default of `--backlog`: finished lines kept for clients that come back. */
export const DEFAULT_BACKLOG_BYTES = 16 * 1024 * 1024;
export const MIN_BACKLOG_BYTES = 1024 * 1024;
export const MAX_BACKLOG_BYTES = 1024 * 1024 * 1024;

/** Bytes that a line may have however far all clients are behind; longer lines lose arguments first. */
export const MIN_LINE_ROOM_BYTES = 8 * 1024;

/** Clients at one time. Each costs a descriptor and a few hundred bytes; none has a queue of its own. */
export const MAX_CLIENTS = 16;

/** Bytes offered to one client's socket before the next client has its turn. */
export const SEND_TURN_BYTES = 1024 * 1024;

/**
 * Milliseconds between two looks into the ring while events come. The probe does
 * not wake us then, since a wake-up costs the executing program ten times the probe
 * itself; this is the price in delay.
 */
export const DRAIN_INTERVAL_MS = 40;

/** Milliseconds without an event after which we stop looking and wait to be woken. More than QUIET_NS of the probe, which then does wake us. */
export const QUIET_MS = 200;

/** Times that a heartbeat looks for a moment at which no event is between the kernel's counter and ours. */
export const HEARTBEAT_TRIES = 8;

/** Records taken from the ring before the clients have their turn; fewer when they fill an eighth of the backlog. */
export const DRAIN_TURN_RECORDS = 4096;
export const DRAIN_TURN_SHARE = 1 / 8;

/** How full the ring may get while clients are behind by half the backlog. The probe cuts long arguments from seven eighths on. */
export const RING_WAIT_SHARE = 3 / 4;

/** Milliseconds until the next turn when a client is far behind: time for it to read, while the ring holds what comes. */
export const LAGGING_INTERVAL_MS = 5;

/** Milliseconds between two comparisons with the kernel's counters, which find losses that no later event shows. */
export const SETTLE_INTERVAL_MS = 1000;

/**
 * Milliseconds after which an event whose next arguments do not come is sent as it
 * is. They follow one another within microseconds, unless the ring was full.
 */
export const OPEN_EVENT_MS = 50;

/**
 * Bytes of arguments that are read of a program that ran already: what getconf
 * ARG_MAX says to most systems, no more, since a process can claim any size
 * (PR_SET_MM) and all of them are read at start.
 */
export const MAX_COMMAND_LINE_BYTES = 128 * 1024;

/** Arguments of one event of which each that is not UTF-8 has its own entry in `raw`; of more, all bytes are one entry. */
export const MAX_RAW_ARGUMENTS = 1024;

/** Parents whose part of an event is remembered, as it was spelled out last. */
export const SURROUNDINGS_CACHE_ENTRIES = 512;

/** Of paths longer than this together nothing is remembered, so that all that is takes some 4 MiB at the very most. */
export const SURROUNDINGS_CACHE_BYTES = 1024;

/**
 * Milliseconds by which the wall clock has to have moved against the boot clock before event times follow it, and from
 * which on that is a step, which the stream tells of. The first keeps the times of events from trembling; the second is
 * more than clocks that are slewed move between two looks, a second apart, and less than anyone would miss.
 */
export const CLOCK_FOLLOW_MS = 10;
export const CLOCK_STEP_MS = 500;

/** Milliseconds that a source has for ending its session and giving what it still holds. */
export const SOURCE_END_MS = 10_000;

/** Milliseconds after which the start is over, and the memory that it alone needed is given back. */
export const STARTED_MS = 1000;

/** Bytes of memory that may be mapped beyond what is mapped when the start is over; a longest line takes a tenth of it for a moment. */
export const MORE_MEMORY_BYTES = 1024 * 1024 * 1024;

/** Milliseconds that SIGTERM leaves to clients for taking what is already theirs. */
export const FLUSH_MS = 1000;

/** Bytes read at once from a child that traces (dtrace, eslogger), and turns of that before the clients have theirs. */
export const CHILD_READ_BYTES = 256 * 1024;
export const CHILD_READ_TURNS = 8;

/** Bytes at once that mean that the child is filling its pipe, and how often the empty pipe is then looked into before the next tick. */
export const CHILD_BURST_BYTES = 16 * 1024;
export const CHILD_BURST_TURNS = 100;

/** Bytes of one record of dtrace; the longest has a string of strsize (dtrace/exec.d). What is longer is no record. */
export const MAX_RECORD_BYTES = 8 * 1024;

/** Processors that a record may name. */
export const MAX_PROCESSORS = 1024;

/** Bytes of one line of eslogger; macOS lets arguments and environment have 1 MiB, and JSON can make six bytes of one. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** UTF-16 units of a path that eslogger tells: PATH_MAX of macOS, in bytes. What is longer is cut and marked. */
export const MAX_PATH_UNITS = 1024;

/**
 * A jump of a child's numbers by more than this is taken for a broken record, not for a loss. It is one second of a boot's numbers
 * (a numbering begins at the microseconds since boot), so that a broken record cannot carry them beyond where the next helper begins.
 */
export const MAX_NUMBER_JUMP = 1_000_000;

/** Lines that a child says on standard error and that are passed on, a minute, each up to so many bytes. */
export const COMPLAINTS_PER_MINUTE = 20;
export const MAX_COMPLAINT_BYTES = 1024;

/** Milliseconds between two programs that the helper runs to see whether it is told of them, and how long that may take. */
export const CANARY_INTERVAL_MS = 5000;
export const CANARY_PATIENCE_MS = 8000;

/** Canaries in a row that have to be missed before the child is started again. */
export const CANARIES_BEFORE_RESTART = 3;

/** Milliseconds before a child that ended is started again: doubled each time, and back to the least when it lived for the most. */
export const MIN_BACKOFF_MS = 1000;
export const MAX_BACKOFF_MS = 60_000;

/** Milliseconds that SIGTERM leaves to a child before SIGKILL. */
export const CHILD_GRACE_MS = 2000;

/** Milliseconds in which the audit wants to see the helper go on: its loop wakes up once a second. */
export const AUDIT_PROGRESS_MS = 2200;

/** What a program of the system that the audit asks may take, in milliseconds, and print, in bytes. */
export const AUDIT_PROGRAM_MS = 10_000;
export const MAX_AUDIT_OUTPUT_BYTES = 32 * 1024 * 1024;
