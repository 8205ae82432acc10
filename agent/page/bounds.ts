/** Events a second that the agent sends to a page; it says how many more there were. */
export const RATE = 200;

/** Rows of events that are kept. */
export const MAX_ROWS = 200;

/** Alerts that are kept. */
export const MAX_ALERTS = 100;

/** Processes that the tree holds; the one that was seen the longest ago, and has no children, goes first. */
export const MAX_NODES = 2000;

/** Children of a process, and roots, that are drawn; the newest. */
export const MAX_DRAWN = 100;
