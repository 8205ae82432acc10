/** Rules, and filters, that have series of their own; the others are summed up. */
export const MAX_NAMES = 1000;

/** The longest value of a label, in UTF-16 units. */
export const MAX_LABEL_LENGTH = 200;

/** How long there may be no connection to the helper, in milliseconds. A helper that restarts is back in less. */
export const HELPER_AWAY_MS = 15_000;

/** How long an output may fail before it counts as stuck, in milliseconds. */
export const OUTPUT_DOWN_MS = 60_000;

/** How long a record may wait before its output counts as stuck, in milliseconds. */
export const OLDEST_MS = 300_000;
