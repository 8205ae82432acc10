import { checkEvent, EventError, type UnknownEvent } from '../../shared/events/parse.ts';
import { isObject } from '../../shared/events/fields.ts';
import type { Source } from '../../shared/events/exec.ts';
import type { HelloEvent } from '../../shared/events/hello.ts';
import { itemOf, type StreamEvent } from '../events/item.ts';
import type { Platform } from '../values/platform.ts';
import { MappingWriter, type Mapping } from './mapping/format.ts';
import type { Origin } from './mapping/subject.ts';

const PLATFORM_OF_SOURCE: Readonly<Record<Source, Platform>> = {
  ebpf: 'linux',
  snapshot: 'linux',
  etw: 'windows',
  dtrace: 'macos',
  eslogger: 'macos',
};

const PLATFORM_OF_HELLO: Readonly<Record<HelloEvent['platform'], Platform>> = {
  linux: 'linux',
  win32: 'windows',
  darwin: 'macos',
};

/** Fields of the identity, and what an origin calls them. */
const IDENTITY = {
  host_id: ['hostId', 'string'],
  host: ['host', 'string'],
  boot_id: ['bootId', 'string'],
  stream: ['stream', 'string'],
  schema_version: ['schemaVersion', 'number'],
  seal: ['seal', 'number'],
} as const;

/**
 * Writes recorded lines of the native format as a mapping says. Who they are from is taken from the lines, as far as they say it,
 * and from the `hello` in front of them, if it was recorded too.
 */
export class RecordedLines {
  readonly #writer: MappingWriter;
  #platform: Platform | undefined;
  #bootId: string | undefined;
  #origin: Origin = {};

  constructor(mapping: Mapping) {
    this.#writer = new MappingWriter(mapping);
  }

  /**
   * @returns the line, without a newline; undefined for `hello` and `heartbeat`, which no output gets
   * @throws {EventError} where it is no event; the message says why
   */
  convert(line: string): string | undefined {
    const event = parse(line);
    if (event.type === 'hello') {
      const { boot_id: bootId, platform } = event as unknown as HelloEvent;
      this.#bootId = bootId;
      this.#platform = PLATFORM_OF_HELLO[platform];
    }
    if (event.type === 'hello' || event.type === 'heartbeat') return undefined;
    this.#platform = PLATFORM_OF_SOURCE[event['source'] as Source] ?? this.#platform;
    const origin: Record<string, unknown> = { platform: this.#platform, bootId: this.#bootId };
    for (const [field, [name, type]] of Object.entries(IDENTITY))
      if (typeof event[field] === type) {
        origin[name] = event[field];
        delete event[field];
      }
    return this.#writer.write(itemOf(event as StreamEvent), this.#kept(origin));
  }

  /** The last origin, where it is the same: what depends on it alone is then not written anew. */
  #kept(origin: Origin): Origin {
    const names = Object.keys({ ...origin, ...this.#origin }) as (keyof Origin)[];
    if (names.some((name) => origin[name] !== this.#origin[name])) this.#origin = origin;
    return this.#origin;
  }
}

function parse(line: string): UnknownEvent {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new EventError('it is not JSON');
  }
  if (isObject(value) && value['type'] === 'gap') {
    // Filters may have left out some of its range, unlike on the pipe.
    const { first, last, count } = value as { first: number; last: number; count: unknown };
    checkEvent({ ...value, count: last - first + 1 });
    if (!Number.isSafeInteger(count) || (count as number) < 0)
      throw new EventError('gap.count: expected a whole number from 0');
  } else checkEvent(value);
  return value as UnknownEvent;
}
