/** Processes that are remembered; those that were needed longest ago are forgotten first. */
export const MAX_PROCESSES = 16_384;

/** What their paths and command lines may take together, in bytes of memory. */
export const MAX_PROCESS_BYTES = 32 * 1024 * 1024;

/** What is remembered of one command line, in characters. Rules see no more of a parent's. */
export const MAX_REMEMBERED_COMMAND = 4096;

/** Ancestors that are told of a process. */
export const MAX_ANCESTORS = 16;

/** Processes whose command line is asked of /proc in one second, at most. */
export const PROC_READS_PER_SECOND = 500;

/** User names that are remembered beside /etc/passwd, and for how long, in milliseconds. */
export const MAX_USER_NAMES = 4096;
export const USER_NAME_MS = 10 * 60_000;

/** How long the system may take to answer for one user's name, and for all of them in one second, in milliseconds. */
export const USER_LOOKUP_MS = 1000;
export const USER_LOOKUP_MS_PER_SECOND = 200;

/** How often is looked whether /etc/passwd changed, in milliseconds. */
export const PASSWORD_FILE_CHECK_MS = 5000;

/** Images whose digests are remembered. */
export const MAX_DIGESTS = 4096;

/** The largest image that is hashed, in bytes. */
export const MAX_HASHED_BYTES = 256 * 1024 * 1024;

/**
 * How long hashing one image may take, and all of them in one second on average, in milliseconds; and what of that is saved up while
 * nothing is hashed. At start, all that runs is new.
 */
export const HASH_MS = 1000;
export const HASH_MS_PER_SECOND = 200;
export const HASH_MS_SAVED = 5000;

/** How old the list of mounted file systems may be that says which images are local, in milliseconds. */
export const MOUNT_TABLE_MS = 1000;
