/** The values that an attribute has here. */
export type AttributeValue = string | number | boolean | readonly string[];

export interface Attribute {
  readonly key: string;
  /** A number is whole. */
  readonly value: AttributeValue;
}

/** A log record of OpenTelemetry, without the fields that stay empty here. */
export interface LogRecord {
  /** Nanoseconds since 1970, from 0 to 2^64 - 1; 0 where it is not known. */
  readonly time: bigint;
  readonly severityNumber: number;
  /** Empty where there is none. */
  readonly severityText: string;
  readonly eventName: string;
  /** UTF-8. */
  readonly body: Buffer;
  readonly attributes: readonly Attribute[];
  /** How many attributes were left out. */
  readonly dropped: number;
}

/** Where records are from: what a request says once. */
export interface Source {
  readonly resource: readonly Attribute[];
  readonly scope: { readonly name: string; readonly version: string };
}

/** One of the two encodings of OTLP. */
export interface Encoder {
  readonly contentType: string;
  /**
   * The body of a request: ExportLogsServiceRequest.
   * @param recordAt called once for each record, in any order
   * @returns lent: the memory is used again for the next request
   */
  encode(count: number, recordAt: (i: number) => LogRecord): Buffer;
}
