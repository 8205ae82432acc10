/** Bytes of the token, and of the session's name in the path. */
export const TOKEN_BYTES = 32;
export const SESSION_BYTES = 16;

/** How long a wrong token waits for its answer, in milliseconds. */
export const REFUSAL_MS = 1000;

/** Wrong tokens that wait at a time; more are answered at once, with 429. Fewer than connections, so that others can ask. */
export const MAX_WAITING_REFUSALS = 4;

/** A token or cookie that is longer is not looked at, in characters. */
export const MAX_TOKEN_LENGTH = 128;
