import { JsonLogsSerializer, ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer';
import type { LogRecord, Source } from '../../../../agent/outputs/otlp/record.ts';

const BILLION = 1_000_000_000n;

/** Records as OpenTelemetry's own encoder gets them from its SDK. */
function readable(records: readonly LogRecord[], { resource, scope }: Source): never {
  const attributesOf = (attributes: LogRecord['attributes']): object =>
    Object.fromEntries(attributes.map(({ key, value }) => [key, value]));
  const from = { attributes: attributesOf(resource) };
  return records.map(({ time, body, attributes, dropped, ...rest }) => ({
    ...rest,
    hrTime: [Number(time / BILLION), Number(time % BILLION)],
    hrTimeObserved: [Number(time / BILLION), Number(time % BILLION)],
    body: body.toString(),
    attributes: attributesOf(attributes),
    droppedAttributesCount: dropped,
    resource: from,
    instrumentationScope: scope,
  })) as never;
}

/** The request for these records, as OpenTelemetry's own encoder writes it. */
export function official(encoding: 'protobuf' | 'json', records: readonly LogRecord[], source: Source): Buffer {
  const serializer = encoding === 'json' ? JsonLogsSerializer : ProtobufLogsSerializer;
  return Buffer.from(serializer.serializeRequest(readable(records, source))!);
}

/** A reply as OpenTelemetry's own code reads it. */
export const officialResponse = (encoding: 'protobuf' | 'json', body: Buffer): unknown =>
  (encoding === 'json' ? JsonLogsSerializer : ProtobufLogsSerializer).deserializeResponse(body);
