/** The encodings of OTLP over HTTP. */
export const ENCODINGS = ['protobuf', 'json'] as const;

export type Encoding = (typeof ENCODINGS)[number];
