/** Folders of rules that a configuration may name. */
export const MAX_RULE_FOLDERS = 64;

/** Rule files in all folders together. SigmaHQ has about 3,000 in total. */
export const MAX_RULE_FILES = 20_000;

/** The largest rule file that is read, in bytes: a rule takes about 2 KiB. */
export const MAX_RULE_FILE_BYTES = 1024 * 1024;

/** All rule files together, in bytes. */
export const MAX_RULE_BYTES = 64 * 1024 * 1024;

/** Depth of nested folders that are read. */
export const MAX_RULE_DEPTH = 16;

/** Folders that are read, in all folders that a configuration names. */
export const MAX_RULE_SUBFOLDERS = 20_000;

/** Folders that are watched for changes. Each takes one of the user's inotify watches. */
export const MAX_WATCHED_FOLDERS = 1000;

/** How long rule files must stay unchanged before they are read again, and the longest wait for that, in milliseconds. */
export const SETTLE_MS = { quiet: 500, most: 5000 } as const;

/** Groups that suppression remembers, over all rules. */
export const MAX_SUPPRESSED_GROUPS = 10_000;

/** Remembered processes whose program a filter dropped, so that their forks and their end are dropped too. */
export const MAX_DROPPED_PROCESSES = 65_536;

/** Filters and rules with a count of their own. */
export const MAX_COUNTED_NAMES = 10_000;

/** Interval of the log line about suppressed alerts, in milliseconds. */
export const SUPPRESSION_REPORT_MS = 60_000;

/** Refused rules that one log line explains; the rest are only counted. */
export const MAX_LOGGED_REFUSALS = 20;
