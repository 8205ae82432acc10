/** Texts that break a line of JSON, or nearly, when they are put into it. */
export const JSON_PIECES = ['"', '\\', '{', '}', '[', ']', ',', ':', '0', '\\u00', '\x00', '\t', 'true'] as const;
