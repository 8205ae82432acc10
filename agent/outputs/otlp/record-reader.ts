import { isUtf8 } from 'node:buffer';
import { isObject } from '../../../shared/events/fields.ts';
import { VERSION } from '../../../shared/version.ts';
import type { StreamEvent } from '../../events/item.ts';
import { SCHEMA_VERSION, type Identity } from '../../formats/identified.ts';
import { rulesIn, sealIn, typeIn } from '../../formats/line-fields.ts';
import type { Row } from '../../formats/mapping/row.ts';
import { subjectOf, type Kind, type Origin, type Subject } from '../../formats/mapping/subject.ts';
import { nanosOf, timeOf } from '../../formats/mapping/values.ts';
import { nativeView } from '../../formats/native-view.ts';
import { hostPlatform } from '../../values/platform.ts';
import { recordId } from '../network/record-id.ts';
import type { Batch } from '../output.ts';
import { EACH_KEY, OF_EVENT, OF_OTHER_SCHEMA } from './attributes.ts';
import type { Attribute, AttributeValue, LogRecord, Source } from './record.ts';
import { INFORMATIONAL, severityOf, type Severity } from './severity.ts';

/** A longer value is left out and counted, in bytes: the body has it too, and a request would be twice as long. */
const MAX_ATTRIBUTE_BYTES = 32 * 1024;

const LATEST = 2n ** 64n - 1n;

/** Names of events, by kind. */
const EVENT_NAMES: Readonly<Partial<Record<Kind, string>>> = {
  exec: 'process.exec',
  alert: 'process.exec',
  exec_failed: 'process.exec_failed',
  fork: 'process.fork',
  exit: 'process.exit',
};

const OS_TYPES = { linux: 'linux', macos: 'darwin', windows: 'windows' } as const;

/** The source of all records of an output, by the names of OpenTelemetry's semantic conventions for resources. */
export function sourceOf({ hostId, host, platform = hostPlatform() }: Identity): Source {
  return {
    resource: [
      { key: 'service.name', value: 'platform-probes' },
      { key: 'service.version', value: VERSION },
      { key: 'host.id', value: hostId },
      { key: 'host.name', value: host },
      { key: 'os.type', value: OS_TYPES[platform] },
    ],
    scope: { name: 'platform-probes', version: VERSION },
  };
}

/** Records as lines: a batch, or a part of one. */
export type Lines = Pick<Batch, 'lines' | 'bootId' | 'endOf' | 'numbersOf' | 'isGap'>;

/** Makes log records of the lines of a batch, in any of our formats. The body is the line. */
export class RecordReader {
  readonly #identity: Identity;
  #origin: Origin = {};

  constructor(identity: Identity) {
    this.#identity = identity;
  }

  /** Record `i`, counted from 0. Never throws for what a line holds. */
  read(lines: Lines, i: number): LogRecord {
    const line = lines.lines.subarray(i === 0 ? 0 : lines.endOf(i - 1), lines.endOf(i));
    const id = recordId(lines, i, line, typeIn(line), this.#identity);
    const attributes: Attribute[] = [{ key: 'log.record.uid', value: id }];
    let time = 0n;
    let severity: Severity = INFORMATIONAL;
    let eventName = 'probes.unreadable';
    let dropped = 0;
    try {
      const { event, isNative } = eventIn(line);
      const subject = subjectOf(event, this.#originFor(lines.bootId, sealIn(line)));
      eventName = eventNameOf(subject);
      time = timeIn(subject);
      severity = severityOf(subject);
      dropped = addAttributes(subject, (isNative ? OF_EVENT : OF_OTHER_SCHEMA)[subject.kind], attributes);
    } catch {
      // Something in it is not as it should be. The body has it all the same.
    }
    return {
      time,
      severityNumber: severity.number,
      severityText: severity.text,
      eventName,
      body: textOf(line.subarray(0, -1)),
      attributes,
      dropped,
    };
  }

  #originFor(bootId: string | undefined, digits: string | undefined): Origin {
    const seal = digits === undefined ? undefined : Number(digits);
    if (this.#origin.bootId !== bootId || this.#origin.seal !== seal || this.#origin.stream === undefined) {
      const { stream, platform = hostPlatform() } = this.#identity;
      this.#origin = { stream, platform, bootId, seal, schemaVersion: SCHEMA_VERSION };
    }
    return this.#origin;
  }
}

/** The event of a line, with all of its fields only where it is in the native format. */
function eventIn(line: Buffer): { event: StreamEvent; isNative: boolean } {
  const value: unknown = JSON.parse(line.toString());
  const fields = isObject(value) ? nativeView(value) : undefined;
  if (fields === undefined || fields === value) return { event: (value ?? {}) as StreamEvent, isNative: true };
  return { event: { ...fields, rules: rulesIn(line) } as unknown as StreamEvent, isNative: false };
}

function eventNameOf({ kind, fields: { type } }: Subject): string {
  const name = EVENT_NAMES[kind];
  if (name !== undefined) return name;
  return `probes.${typeof type === 'string' && /^\w{1,64}$/u.test(type) ? type : 'other'}`;
}

function timeIn(subject: Subject): bigint {
  const nanos = nanosOf(timeOf(subject));
  return nanos < 0n || nanos > LATEST ? 0n : nanos;
}

/** @returns how many were left out */
function addAttributes(subject: Subject, rows: readonly Row[], attributes: Attribute[]): number {
  let dropped = 0;
  const add = (key: string, value: unknown): void => {
    if (!isAttributeValue(value)) return;
    if (isShort(value)) attributes.push({ key, value });
    else dropped++;
  };
  for (const { to, value, origin } of rows) {
    const found = origin === undefined ? value!(subject) : origin(subject.origin);
    if (!to.endsWith(EACH_KEY)) {
      add(to, found);
      continue;
    }
    // Keys are unique (opentelemetry-proto, logs.proto, LogRecord.attributes), and names that are not Unicode can become one.
    const names = new Set<string>();
    for (const [name, each] of Object.entries(found ?? {})) {
      const key = name.toWellFormed();
      if (names.has(key)) dropped++;
      else add(`${to.slice(0, -EACH_KEY.length)}.${key}`, each);
      names.add(key);
    }
  }
  return dropped;
}

function isAttributeValue(value: unknown): value is AttributeValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isSafeInteger(value);
    default:
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
  }
}

function isShort(value: AttributeValue): boolean {
  if (typeof value === 'string') return bytesOf(value) <= MAX_ATTRIBUTE_BYTES;
  if (typeof value !== 'object') return true;
  let bytes = 0;
  for (const item of value) {
    // Each has some bytes around it.
    bytes += bytesOf(item) + 4;
    if (bytes > MAX_ATTRIBUTE_BYTES) return false;
  }
  return true;
}

/** Bytes in UTF-8. */
function bytesOf(text: string): number {
  return text.length > MAX_ATTRIBUTE_BYTES ? text.length : Buffer.byteLength(text);
}

/** A text of protobuf has to be UTF-8, or the receiver refuses the whole request. */
function textOf(bytes: Buffer): Buffer {
  return isUtf8(bytes) ? bytes : Buffer.from(bytes.toString());
}
