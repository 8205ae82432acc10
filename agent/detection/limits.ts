/** Folders of rules that a configuration may name. */
export const MAX_RULE_FOLDERS = 64;

/** Files of all of them together. SigmaHQ has some 3,000 for everything. */
export const MAX_RULE_FILES = 20_000;

/** The largest rule file that is read, in bytes: a rule has some 2 KiB. */
export const MAX_RULE_FILE_BYTES = 1024 * 1024;

/** All rule files together, in bytes. */
export const MAX_RULE_BYTES = 64 * 1024 * 1024;

/** Folders inside each other that are looked into. */
export const MAX_RULE_DEPTH = 16;

/** Folders that are watched for changes. Each takes one of the user's inotify watches. */
export const MAX_WATCHED_FOLDERS = 1000;

/** How long the rule files must have been left alone before they are read again, and the longest that is waited for it, in milliseconds. */
export const SETTLE_MS = { quiet: 500, most: 5000 } as const;

/** Groups of all rules that suppression remembers. */
export const MAX_SUPPRESSED_GROUPS = 10_000;

/** Processes of which is remembered that a filter dropped what they ran, so that their `exit` goes with it. */
export const MAX_DROPPED_PROCESSES = 65_536;

/** Filters and rules that are counted apart. */
export const MAX_COUNTED_NAMES = 10_000;

/** How often is logged what suppression held back, in milliseconds. */
export const SUPPRESSION_REPORT_MS = 60_000;

/** Reasons for refused rules that one log line names; the rest is counted. */
export const MAX_LOGGED_REFUSALS = 20;
