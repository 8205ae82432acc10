/** Most processes to remember; the least recently needed are forgotten first. */
export const MAX_PROCESSES = 16_384;

/** Memory for what is known about them, in bytes. Some 7,000 processes fit with command lines of 1 KiB; the usual ones are shorter. */
export const MAX_PROCESS_BYTES = 8 * 1024 * 1024;

/** Characters of one command line to remember. Rules see no more of a parent's command line. */
export const MAX_REMEMBERED_COMMAND = 4096;

/** Most ancestors in an alert. */
export const MAX_ANCESTORS = 16;

/** Most processes per second whose command line is read from /proc. */
export const PROC_READS_PER_SECOND = 500;

/** The largest /etc/passwd, /etc/group or /etc/nsswitch.conf that is read, in bytes: some 250,000 users. A larger one counts as missing. */
export const MAX_NAMES_FILE_BYTES = 16 * 1024 * 1024;

/** User names remembered in addition to /etc/passwd, and for how long, in milliseconds. */
export const MAX_USER_NAMES = 4096;
export const USER_NAME_MS = 10 * 60_000;

/** Milliseconds that the system may take for one user's name, and for all names per second. */
export const USER_LOOKUP_MS = 1000;
export const USER_LOOKUP_MS_PER_SECOND = 200;

/** Milliseconds between two checks whether /etc/passwd changed. */
export const PASSWORD_FILE_CHECK_MS = 5000;

/** Most images whose digests are remembered. */
export const MAX_DIGESTS = 4096;

/** The largest image that is hashed, in bytes. */
export const MAX_HASHED_BYTES = 256 * 1024 * 1024;

/**
 * Milliseconds for hashing one image, for all images per second on average, and the most that is saved while nothing is
 * hashed. The saved time covers the start, when every program is new.
 */
export const HASH_MS = 1000;
export const HASH_MS_PER_SECOND = 200;
export const HASH_MS_SAVED = 5000;

/** Milliseconds before the list of mounted file systems is read again; it tells which images are local. */
export const MOUNT_TABLE_MS = 1000;

/** Characters of the ancestors of one event, as JSON, for outputs that ask for them. The farthest are left out beyond it. */
export const MAX_ANCESTORS_TEXT = 32 * 1024;

/** Most control groups whose container is remembered, and most memory for their paths, in bytes. */
export const MAX_CGROUPS = 4096;
export const MAX_CGROUP_BYTES = 4 * 1024 * 1024;

/** Most containers whose name is remembered. */
export const MAX_NAMED_CONTAINERS = 4096;

/** Most containers that engines are asked about at once, and most that are asked about or wait for it. */
export const MAX_ENGINE_QUESTIONS = 4;
export const MAX_WAITING_CONTAINERS = 256;

/** Milliseconds for an answer, and its most bytes. */
export const ENGINE_PATIENCE_MS = 2000;
export const MAX_ENGINE_ANSWER_BYTES = 1024 * 1024;

/** Milliseconds after which a name is asked for again: one that is known, and one that is not. */
export const NAME_KNOWN_MS = 10 * 60_000;
export const NAME_AGAIN_MS = 10_000;

/** Longer names and images are left out, in UTF-16 units. */
export const MAX_NAME_LENGTH = 255;
export const MAX_IMAGE_LENGTH = 1024;

/** Most DLLs and functions in the import tables of one image, and most bytes that are read of it for its import hash. */
export const MAX_IMPORTED_DLLS = 1024;
export const MAX_IMPORTED_FUNCTIONS = 16_384;
export const MAX_IMPHASH_BYTES = 4 * 1024 * 1024;
