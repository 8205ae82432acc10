/**
 * The pipe's protocol version, said in every `hello`.
 *
 * Raised when an old client could misread a new stream. A new event type or a
 * new field does not raise it: readers ignore what they do not know.
 */
export const PROTOCOL_VERSION = 1;
