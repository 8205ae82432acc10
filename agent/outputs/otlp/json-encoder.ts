import type { Attribute, AttributeValue, Encoder, LogRecord, Source } from './record.ts';

const CLOSING = Buffer.from(']}]}]}');

/**
 * OTLP in JSON: protobuf's mapping with keys in lowerCamelCase, 64-bit numbers as text and enumerations as numbers
 * (OTLP specification, "JSON Protobuf Encoding").
 */
export class JsonEncoder implements Encoder {
  readonly contentType = 'application/json';
  readonly #opening: Buffer;

  constructor({ resource, scope }: Source) {
    const from = `"resource":{"attributes":${attributesOf(resource)}}`;
    this.#opening = Buffer.from(
      `{"resourceLogs":[{${from},"scopeLogs":[{"scope":${JSON.stringify(scope)},"logRecords":[`,
    );
  }

  encode(count: number, recordAt: (i: number) => LogRecord): Buffer {
    const pieces = [this.#opening];
    for (let i = 0; i < count; i++) pieces.push(Buffer.from(`${i === 0 ? '' : ','}${recordOf(recordAt(i))}`));
    pieces.push(CLOSING);
    return Buffer.concat(pieces);
  }
}

function recordOf({ time, severityNumber, severityText, eventName, body, attributes, dropped }: LogRecord): string {
  // Both times are the event's: see the other encoder.
  return `{"timeUnixNano":"${time}","observedTimeUnixNano":"${time}","severityNumber":${severityNumber},"severityText":${textOf(severityText)},"eventName":${textOf(eventName)},"body":{"stringValue":${textOf(body.toString())}},"attributes":${attributesOf(attributes)},"droppedAttributesCount":${dropped}}`;
}

function attributesOf(attributes: readonly Attribute[]): string {
  return `[${attributes.map(({ key, value }) => `{"key":${textOf(key)},"value":${valueOf(value)}}`).join(',')}]`;
}

function valueOf(value: AttributeValue): string {
  switch (typeof value) {
    case 'string':
      return `{"stringValue":${textOf(value)}}`;
    case 'number':
      return `{"intValue":"${value}"}`;
    case 'boolean':
      return `{"boolValue":${value}}`;
    default:
      return `{"arrayValue":{"values":[${value.map(valueOf).join(',')}]}}`;
  }
}

/** A half of a surrogate pair becomes U+FFFD: protobuf's text cannot hold it, and so a receiver may refuse it. */
function textOf(text: string): string {
  return JSON.stringify(text.toWellFormed());
}
