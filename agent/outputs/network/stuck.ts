import { STUCK_AFTER_MS } from '../output.ts';

/** Timeouts that a step of a network output can have one after the other, doubled and more: names, connections, attempts. */
const TIMEOUTS = 10;

/** When a network output counts as stuck, in milliseconds. A receiver that does not answer costs its `timeout`, again and again, and never so much. */
export const stuckAfter = (timeoutMs: number): number => Math.max(STUCK_AFTER_MS, TIMEOUTS * timeoutMs);
