/**
 * The pipe's protocol version, sent in every `hello`.
 *
 * Increased when an old client could misread a new stream. A new event type or a new field does not increase it:
 * readers ignore unknown ones.
 */
export const PROTOCOL_VERSION = 1;
