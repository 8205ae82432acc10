/** More values than any honest file has; what is beyond it is an alias bomb or a mistake. */
export const MAX_NODES = 200_000;

/** Maps and lists inside each other. */
export const MAX_DEPTH = 64;
