/** Readers of the event stream at a time; more are refused. Fewer than connections, so that others can ask. */
export const MAX_STREAMS = 8;

/** How often a stream sends what came in, in milliseconds. */
export const PACE_MS = 100;

/** Bytes that a stream sends at one time, at most a line more. */
export const SEND_BYTES = 1024 * 1024;

/** Time in which all streams together look at lines before events have their turn again, in milliseconds. */
export const LOOK_MS = 20;

/** How long a reader may take nothing before it is let go, in milliseconds. */
export const STALLED_MS = 60_000;

/** The most events a second that a reader can ask to have at most. */
export const MAX_RATE = 100_000;

/** A filter in a request, in UTF-16 units. */
export const MAX_FILTER_LENGTH = 4096;

/** Text by which a container is chosen, in UTF-16 units: as long as the name of a control group can be, in bytes. */
export const MAX_CONTAINER_LENGTH = 255;

/** Gaps that are kept for people who look. */
export const MAX_GAPS = 100;

/** Seconds for which rates are kept. */
export const RATE_SECONDS = 300;

/** Steps and parts of the explanation of one rule for one alert. Most take a thousandth; events must not wait for those who look. */
export const EXPLAIN_STEPS = 5_000_000;
export const EXPLAIN_PARTS = 5000;

/** Characters of the explanations of one alert, all rules together. Most have a few thousand. */
export const MAX_EXPLANATION_LENGTH = 256 * 1024;
