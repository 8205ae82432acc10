/** Events that `match --explain` explains, unless the user says how many. */
export const EXPLAINED_EVENTS = 20;
