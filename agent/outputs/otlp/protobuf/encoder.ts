import type { Attribute, AttributeValue, Encoder, LogRecord, Source } from '../record.ts';
import { BackwardWriter } from './backward-writer.ts';
import { FIXED64, LENGTH, tag, VARINT } from './wire.ts';

/** Of messages of opentelemetry/proto: collector/logs/v1/logs_service.proto, logs/v1/logs.proto, common/v1/common.proto, resource/v1/resource.proto. */
const TAG = {
  request: { resourceLogs: tag(1, LENGTH) },
  resourceLogs: { resource: tag(1, LENGTH), scopeLogs: tag(2, LENGTH) },
  scopeLogs: { scope: tag(1, LENGTH), logRecords: tag(2, LENGTH) },
  scope: { name: tag(1, LENGTH), version: tag(2, LENGTH) },
  resource: { attributes: tag(1, LENGTH), dropped: tag(2, VARINT) },
  record: {
    time: tag(1, FIXED64),
    severityNumber: tag(2, VARINT),
    severityText: tag(3, LENGTH),
    body: tag(5, LENGTH),
    attributes: tag(6, LENGTH),
    dropped: tag(7, VARINT),
    observedTime: tag(11, FIXED64),
    eventName: tag(12, LENGTH),
  },
  keyValue: { key: tag(1, LENGTH), value: tag(2, LENGTH) },
  anyValue: { string: tag(1, LENGTH), bool: tag(2, VARINT), int: tag(3, VARINT), array: tag(5, LENGTH) },
  arrayValue: { values: tag(1, LENGTH) },
} as const;

/** Room for a key, in bytes. */
const SHORT = 64;

/** Keys that are remembered: those of the table of attributes, and names of variables. */
const MAX_KEYS = 1024;

/**
 * OTLP in binary protobuf. Fields that are 0 are written, and all come in the order of their numbers: these are the bytes that
 * OpenTelemetry's own encoder for JavaScript writes.
 */
export class ProtobufEncoder implements Encoder {
  readonly contentType = 'application/x-protobuf';
  readonly #writer = new BackwardWriter();
  readonly #keys = new Map<string, Buffer>();
  readonly #resource: Buffer;
  readonly #scope: Buffer;

  constructor({ resource, scope }: Source) {
    this.#resource = this.#made(TAG.resourceLogs.resource, () => {
      this.#writer.varint(0);
      this.#writer.byte(TAG.resource.dropped);
      for (const attribute of resource.toReversed()) this.#attribute(TAG.resource.attributes, attribute);
    });
    this.#scope = this.#made(TAG.scopeLogs.scope, () => {
      this.#text(TAG.scope.version, scope.version);
      this.#text(TAG.scope.name, scope.name);
    });
  }

  encode(count: number, recordAt: (i: number) => LogRecord): Buffer {
    const writer = this.#writer;
    writer.clear();
    for (let i = count - 1; i >= 0; i--) this.#record(recordAt(i));
    writer.bytes(this.#scope);
    writer.head(TAG.resourceLogs.scopeLogs, 0);
    writer.bytes(this.#resource);
    writer.head(TAG.request.resourceLogs, 0);
    return writer.written;
  }

  /** Writes backward: what comes last is first here. */
  #record({ time, severityNumber, severityText, eventName, body, attributes, dropped }: LogRecord): void {
    const writer = this.#writer;
    const before = writer.length;
    this.#text(TAG.record.eventName, eventName);
    // Not the time of sending, which is another one when a record is sent again.
    this.#time(TAG.record.observedTime, time);
    writer.varint(dropped);
    writer.byte(TAG.record.dropped);
    for (let i = attributes.length - 1; i >= 0; i--) this.#attribute(TAG.record.attributes, attributes[i]!);
    this.#body(body);
    if (severityText !== '') this.#text(TAG.record.severityText, severityText);
    writer.varint(severityNumber);
    writer.byte(TAG.record.severityNumber);
    this.#time(TAG.record.time, time);
    writer.head(TAG.scopeLogs.logRecords, before);
  }

  #time(fieldTag: number, nanos: bigint): void {
    this.#writer.fixed64(nanos);
    this.#writer.byte(fieldTag);
  }

  #body(body: Buffer): void {
    const writer = this.#writer;
    const before = writer.length;
    writer.bytes(body);
    writer.head(TAG.anyValue.string, before);
    writer.head(TAG.record.body, before);
  }

  #attribute(fieldTag: number, { key, value }: Attribute): void {
    const writer = this.#writer;
    const before = writer.length;
    this.#value(value);
    writer.head(TAG.keyValue.value, before);
    writer.bytes(this.#keyOf(key));
    writer.head(fieldTag, before);
  }

  #value(value: AttributeValue): void {
    const writer = this.#writer;
    if (typeof value === 'string') return this.#text(TAG.anyValue.string, value);
    if (typeof value === 'object') return this.#list(value);
    writer.varint(Number(value));
    writer.byte(typeof value === 'number' ? TAG.anyValue.int : TAG.anyValue.bool);
  }

  #list(list: readonly string[]): void {
    const writer = this.#writer;
    const before = writer.length;
    for (let i = list.length - 1; i >= 0; i--) {
      const beforeItem = writer.length;
      this.#text(TAG.anyValue.string, list[i]!);
      writer.head(TAG.arrayValue.values, beforeItem);
    }
    writer.head(TAG.anyValue.array, before);
  }

  #text(fieldTag: number, text: string): void {
    const before = this.#writer.length;
    this.#writer.text(text);
    this.#writer.head(fieldTag, before);
  }

  /** The field with a key, which comes again and again. */
  #keyOf(key: string): Buffer {
    let field = this.#keys.get(key);
    if (field === undefined) {
      const writer = new BackwardWriter(SHORT);
      writer.text(key);
      writer.head(TAG.keyValue.key, 0);
      field = Buffer.from(writer.written);
      if (this.#keys.size < MAX_KEYS) this.#keys.set(key, field);
    }
    return field;
  }

  /** A message that stays the same, with its tag. */
  #made(fieldTag: number, write: () => void): Buffer {
    this.#writer.clear();
    write();
    this.#writer.head(fieldTag, 0);
    return Buffer.from(this.#writer.written);
  }
}
