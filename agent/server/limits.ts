/** Connections at a time; more are closed unread. */
export const MAX_CONNECTIONS = 16;

/** Request line and headers, in bytes. */
export const MAX_HEADER_BYTES = 8 * 1024;

/** How long a request may take to arrive, in milliseconds. */
export const REQUEST_TIMEOUT_MS = 5000;

/** How long a connection may last, reading of the answer included, in milliseconds. */
export const CONNECTION_TIMEOUT_MS = 10_000;
