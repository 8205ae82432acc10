const MIB = 1024 * 1024;

/**
 * Files that a store has at most, the one that is written included. SQLite attaches ten databases to a connection, which
 * is what a query over all of them needs.
 */
export const MAX_PARTITIONS = 10;

/** A partition is closed when it has this share of `max_bytes`, or spans this share of `max_age`. */
export const PARTITION_SHARE = 8;

/**
 * Bytes of `max_bytes` that are kept free before each batch: for what one transaction adds to database and write-ahead log.
 * The longest line (16 MiB) takes less than 25 MiB in each.
 */
export const RESERVE_BYTES = 64 * MIB;

/** A write-ahead log of this size is copied into the database. A reader can hold that up; the partition is then closed. */
export const WAL_BYTES = 8 * MIB;

/** Memory of SQLite for pages of the partition that is written. */
export const CACHE_BYTES = 16 * MIB;

/** Characters of a command line whose words can be searched for. The whole line is stored. */
export const MAX_INDEXED_CHARACTERS = 64 * 1024;

/** How often age is looked at, and what readers kept from being cleaned up is tried again, in milliseconds. */
export const TIDY_MS = 60_000;

/** Batches of the store. */
export const BATCH = { bytes: MIB, records: 4096, ageMs: 250 };

/** How far the store may lag, in bytes, before its oldest events become a gap. */
export const MAX_QUEUE_BYTES = 32 * MIB;

/** Memory of JavaScript in the thread. What a batch needs is garbage soon; the longest line takes some 150 MiB while it is read. */
export const THREAD_MEMORY = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 512 };
