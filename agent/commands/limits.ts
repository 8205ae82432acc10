/** Events that `match --explain` explains, unless the user says how many. */
export const EXPLAINED_EVENTS = 20;
export const MAX_EXPLAINED_EVENTS = 1_000_000;
