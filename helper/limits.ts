/** All bounds of the helper. A hostile or broken neighbour can make the helper use the sum of these, and no more. */

/**
 * Default of `--ring`: bytes that the kernel may have written and the helper not yet read. At 1 KiB an event, about
 * 8,000 events.
 */
export const DEFAULT_RING_BYTES = 8 * 1024 * 1024;
export const MIN_RING_BYTES = 64 * 1024;
export const MAX_RING_BYTES = 1024 * 1024 * 1024;

/** Default of `--backlog`: finished lines kept for clients that come back. */
export const DEFAULT_BACKLOG_BYTES = 16 * 1024 * 1024;
export const MIN_BACKLOG_BYTES = 1024 * 1024;
export const MAX_BACKLOG_BYTES = 1024 * 1024 * 1024;

/** Bytes that a line may always have, however far all clients are behind. Longer lines lose arguments first. */
export const MIN_LINE_ROOM_BYTES = 8 * 1024;

/** Clients at one time. Each costs a descriptor and a few hundred bytes; none has its own queue. */
export const MAX_CLIENTS = 16;

/** Bytes offered to one client's socket before the next client has its turn. */
export const SEND_TURN_BYTES = 1024 * 1024;

/**
 * Milliseconds between two looks into the ring while events come. The probe does not wake the helper then: a wake-up
 * costs the executing program ten times as much as the probe itself. The price is this delay: with it, 99 % of the events
 * take less than 50 ms from exec to file.
 */
export const DRAIN_INTERVAL_MS = 45;

/**
 * The same in a storm, which is so many events in one look. A look costs the helper and each reader as much as 50 events, whatever
 * it finds: fewer looks are what makes an event cheap. Of a source with a buffer of its own alone (`nextLookMs`).
 */
export const STORM_INTERVAL_MS = 100;
export const STORM_EVENTS = 32;

/**
 * The same after the look that follows a quiet time: nothing is known of the rate yet, and command lines of 128 KiB can fill the
 * ring in the time of an ordinary pause.
 */
export const AFTER_QUIET_INTERVAL_MS = 15;

/** Share of the ring that may fill until the next look, at the rate of the last one. The least time between two looks. */
export const LOOK_SHARE = 1 / 4;
export const MIN_DRAIN_INTERVAL_MS = 4;

/**
 * Milliseconds without an event after which the helper stops looking and waits to be woken. More than the probe's
 * QUIET_NS, after which the probe does wake it.
 */
export const QUIET_MS = 200;

/** Attempts of a heartbeat to find a moment at which no event is between the kernel's counter and ours. */
export const HEARTBEAT_TRIES = 8;

/** Records taken from the ring before the clients are served; fewer if they fill an eighth of the backlog. */
export const DRAIN_TURN_RECORDS = 4096;
export const DRAIN_TURN_SHARE = 1 / 8;

/**
 * Filling of the ring up to which the helper waits while clients are behind by half the backlog. From seven eighths on,
 * the probe cuts long arguments. Once the ring is so full, events are taken until it is down to the second share: the
 * helper may come late the next time.
 */
export const RING_WAIT_SHARE = 3 / 4;
export const RING_EASED_SHARE = 5 / 8;

/**
 * Milliseconds until the next turn when a client is far behind: time for it to read, while the ring takes new events.
 */
export const LAGGING_INTERVAL_MS = 5;

/** Milliseconds between two comparisons with the kernel's counters, which find losses that no later event shows. */
export const SETTLE_INTERVAL_MS = 1000;

/**
 * Milliseconds after which an event is sent without its remaining arguments. They follow one another within
 * microseconds, unless the ring was full.
 */
export const OPEN_EVENT_MS = 50;

/**
 * Bytes of arguments that are read from a process that already runs. This is what getconf ARG_MAX reports on most
 * systems. It is no more, since a process can claim any size (PR_SET_MM), and all are read at start.
 */
export const MAX_COMMAND_LINE_BYTES = 128 * 1024;

/**
 * Arguments of one event that can each have an entry in `raw` because they are not UTF-8; with more, one entry has all
 * bytes.
 */
export const MAX_RAW_ARGUMENTS = 1024;

/**
 * Variables that `--env` may list, and the bytes of each name. Each costs a search through the environment of every new
 * image.
 */
export const MAX_ENV_NAMES = 32;
export const MAX_ENV_NAME_BYTES = 128;

/** Bytes of one value that are sent, and values of one event, repeated ones included. */
export const MAX_ENV_VALUE_BYTES = 4096;
export const MAX_ENV_VALUES = 64;

/** Share of the room of a line that the environment may take; more of it is left out, before arguments are. */
export const MAX_ENV_LINE_SHARE = 1 / 4;

/** Environments, as far as they are told, that are cached, and the most bytes of each: some 4 MiB at most. */
export const ENVIRONMENT_CACHE_ENTRIES = 512;
export const ENVIRONMENT_CACHE_BYTES = 1024;

/** Parts of lines that are kept for the next exec of the same program: a power of two. */
export const TEMPLATE_CACHE_ENTRIES = 512;

/** Bytes of paths, and UTF-16 units of text, up to which such a part is kept: some 8 MiB of memory at most for all. */
export const TEMPLATE_CACHE_BYTES = 1024;
export const TEMPLATE_CACHE_UNITS = 3 * 1024;

/**
 * Milliseconds by which the wall clock has to have moved against the boot clock before event times follow it, and from
 * which on that is a step, which the stream tells of. The first keeps the times of events from trembling; the second is
 * more than clocks that are slewed move between two looks, a second apart, and less than anyone would miss.
 */
export const CLOCK_FOLLOW_MS = 10;
export const CLOCK_STEP_MS = 500;

/** Milliseconds that a source has to end its session and deliver the rest. */
export const SOURCE_END_MS = 10_000;

/** Milliseconds after which the start is over and the helper releases the memory that only the start needed. */
export const STARTED_MS = 1000;

/**
 * Bytes of memory that may be mapped in addition to those mapped at the end of the start; the longest line briefly
 * takes a tenth of it.
 */
export const MORE_MEMORY_BYTES = 1024 * 1024 * 1024;

/** Milliseconds after SIGTERM in which clients can take their remaining events. */
export const FLUSH_MS = 1000;

/** Bytes read at once from a child that traces (dtrace, eslogger), and reads before the clients are served. */
export const CHILD_READ_BYTES = 256 * 1024;
export const CHILD_READ_TURNS = 8;

/**
 * Bytes in one read that show that the child is filling its pipe, and how often the empty pipe is then checked before
 * the next tick.
 */
export const CHILD_BURST_BYTES = 16 * 1024;
export const CHILD_BURST_TURNS = 100;

/**
 * Bytes of one record of dtrace; the longest has a string of strsize (dtrace/exec.d). Anything longer is not a record.
 */
export const MAX_RECORD_BYTES = 8 * 1024;

/** Processors that a record may name. */
export const MAX_PROCESSORS = 1024;

/**
 * Bytes of one line of eslogger. macOS allows 1 MiB of arguments and environment, and JSON can turn one byte into six.
 */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** UTF-16 units of a path from eslogger: PATH_MAX of macOS, in bytes. A longer path is cut and marked. */
export const MAX_PATH_UNITS = 1024;

/**
 * A larger jump in a source's numbers is treated as a broken record, not as a loss. It is one second of a boot's numbers
 * (a numbering begins at the microseconds since boot), so that a broken record cannot carry the numbers beyond the
 * beginning of the next helper's.
 */
export const MAX_NUMBER_JUMP = 1_000_000;

/** Lines of a child's standard error that are passed on in a minute, and the bytes of each. */
export const COMPLAINTS_PER_MINUTE = 20;
export const MAX_COMPLAINT_BYTES = 1024;

/**
 * Milliseconds between two programs that the helper runs to see whether the source reports them, and how long a report
 * may take.
 */
export const CANARY_INTERVAL_MS = 5000;
export const CANARY_PATIENCE_MS = 8000;

/** Number of canaries missed in a row after which the child is restarted. */
export const CANARIES_BEFORE_RESTART = 3;

/**
 * Milliseconds before a child that ended is restarted: doubled each time, and reset when it lived for the longest wait.
 */
export const MIN_BACKOFF_MS = 1000;
export const MAX_BACKOFF_MS = 60_000;

/** Milliseconds between SIGTERM and SIGKILL for a child. */
export const CHILD_GRACE_MS = 2000;

/** Milliseconds in which the audit expects the helper to make progress: its loop wakes up once a second. */
export const AUDIT_PROGRESS_MS = 2200;

/** Limits for a program of the system that the audit runs: milliseconds, and bytes of output. */
export const AUDIT_PROGRAM_MS = 10_000;
export const MAX_AUDIT_OUTPUT_BYTES = 32 * 1024 * 1024;
