/**
 * Steps that redaction may take for one event: characters looked at, times what looking at one costs. Some 0.2 s at most. A usual event takes some
 * thousands. An argument for which too few are left is redacted as a whole.
 */
export const MAX_STEPS = 50_000_000;

/** Own patterns, and exceptions, that a configuration may have. */
export const MAX_PATTERNS = 100;

/** Of the name of an option, a variable or a key, this many last characters are looked at. */
export const MAX_NAME = 64;

/** How deep command lines are followed that stand, quoted, in the argument of another. */
export const MAX_NESTING = 4;
