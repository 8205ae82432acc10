/** A log record, as a receiver of OTLP sees it. */
export interface SeenRecord {
  readonly timeUnixNano: string;
  readonly observedTimeUnixNano: string;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly eventName: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly droppedAttributesCount: number;
}

/** An ExportLogsServiceRequest with one resource and one scope. */
export interface SeenRequest {
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scope: { readonly name: string; readonly version: string };
  readonly records: readonly SeenRecord[];
}

type Fields = ReadonlyMap<number, readonly (bigint | Buffer)[]>;

/** Text that is not UTF-8 is an error, as it is to receivers. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads a request in the encoding that its Content-Type names. @throws where it is none */
export function requestIn(body: Buffer, contentType: string | undefined): SeenRequest {
  if (contentType === 'application/x-protobuf') return ofProtobuf(body);
  if (contentType === 'application/json') return ofJson(JSON.parse(UTF8.decode(body)) as JsonRequest);
  throw new Error(`no encoding of OTLP: ${contentType}`);
}

function ofProtobuf(body: Buffer): SeenRequest {
  const resourceLogs = only(fieldsOf(body), 1);
  const scopeLogs = only(resourceLogs, 2);
  const scope = only(scopeLogs, 1);
  return {
    resource: attributesIn(only(resourceLogs, 1), 1),
    scope: { name: text(scope, 1), version: text(scope, 2) },
    records: all(scopeLogs, 2).map((record) => ({
      timeUnixNano: String(number(record, 1)),
      observedTimeUnixNano: String(number(record, 11)),
      severityNumber: Number(number(record, 2)),
      severityText: text(record, 3),
      eventName: text(record, 12),
      body: text(only(record, 5), 1),
      attributes: attributesIn(record, 6),
      droppedAttributesCount: Number(number(record, 7)),
    })),
  };
}

function attributesIn(message: Fields, field: number): Record<string, unknown> {
  return unique(all(message, field).map((pair) => [text(pair, 1), valueIn(only(pair, 2))]));
}

function valueIn(value: Fields): unknown {
  if (value.has(1)) return text(value, 1);
  if (value.has(2)) return number(value, 2) !== 0n;
  if (value.has(3)) return Number(BigInt.asIntN(64, number(value, 3)));
  return all(only(value, 5), 1).map(valueIn);
}

function fieldsOf(message: Buffer): Fields {
  const fields = new Map<number, (bigint | Buffer)[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const key = Number(varint());
    let value: bigint | Buffer;
    if (key % 8 === 0) value = varint();
    else if (key % 8 === 1) {
      value = message.readBigUInt64LE(at);
      at += 8;
    } else if (key % 8 === 2) {
      const end = Number(varint()) + at;
      if (end > message.length) throw new RangeError('cut off');
      value = message.subarray(at, end);
      at = end;
    } else throw new TypeError(`wire type ${key % 8}`);
    const number = Math.floor(key / 8);
    fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  return fields;
}

const all = (message: Fields, field: number): Fields[] =>
  (message.get(field) ?? []).map((value) => fieldsOf(value as Buffer));

function only(message: Fields, field: number): Fields {
  const found = all(message, field);
  if (found.length !== 1) throw new Error(`${found.length} of field ${field}`);
  return found[0]!;
}

const text = (message: Fields, field: number): string => {
  const [bytes] = message.get(field) ?? [];
  return bytes === undefined ? '' : UTF8.decode(bytes as Buffer);
};

const number = (message: Fields, field: number): bigint => (message.get(field)?.[0] as bigint | undefined) ?? 0n;

interface JsonValue {
  readonly stringValue?: string;
  readonly intValue?: string | number;
  readonly boolValue?: boolean;
  readonly arrayValue?: { readonly values: readonly JsonValue[] };
}

type JsonAttributes = readonly { readonly key: string; readonly value: JsonValue }[];

interface JsonRequest {
  readonly resourceLogs: readonly [
    {
      readonly resource: { readonly attributes: JsonAttributes };
      readonly scopeLogs: readonly [
        {
          readonly scope: SeenRequest['scope'];
          readonly logRecords: readonly (Omit<SeenRecord, 'attributes' | 'body' | 'severityText'> & {
            readonly severityText?: string;
            readonly attributes: JsonAttributes;
            readonly body: JsonValue;
          })[];
        },
      ];
    },
  ];
}

function ofJson({ resourceLogs: [{ resource, scopeLogs }] }: JsonRequest): SeenRequest {
  const [{ scope, logRecords }] = scopeLogs;
  return {
    resource: ofAttributes(resource.attributes),
    scope,
    records: logRecords.map(({ body, attributes, severityText = '', ...rest }) => ({
      ...rest,
      severityText,
      body: body.stringValue!,
      attributes: ofAttributes(attributes),
    })),
  };
}

const ofAttributes = (attributes: JsonAttributes): Record<string, unknown> =>
  unique(attributes.map(({ key, value }) => [key, ofValue(value)]));

const ofValue = ({ stringValue, intValue, boolValue, arrayValue }: JsonValue): unknown =>
  stringValue ?? boolValue ?? (intValue === undefined ? arrayValue!.values.map(ofValue) : Number(intValue));

/** Attributes are a set: OTLP forbids a key twice. */
function unique(pairs: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const object = Object.fromEntries(pairs);
  if (Object.keys(object).length !== pairs.length) throw new Error('a key stands twice');
  return object;
}
