import { isObject } from '../../shared/events/fields.ts';
import { COST } from './budget.ts';
import type { Ledger, Stream } from './ledger.ts';

const CLOSING_BRACE = 0x7d;
const COLON = 0x3a;
const ZERO = 0x30;
/** Digits of the largest number that JavaScript represents exactly. */
export const MAX_DIGITS = 16;

/** The longest end of a line that is looked at. Host and stream have at most 255 bytes each. */
const MAX_TAIL_BYTES = 1024;
const TAIL_START = Buffer.from(',"host_id":"');

/** Names of the last fields of a line that the agent wrote, in their order. A line without a known boot has no `boot_id`. */
const TAIL_FIELDS = [
  ['host_id', 'host', 'boot_id', 'stream', 'schema_version'],
  ['host_id', 'host', 'stream', 'schema_version'],
].flatMap((names) => [names.join(), [...names, 'seal'].join()]);

/** The end of a stream's lines, without the digits and the brace. */
interface Tail {
  /** From the comma before `host_id` to the colon before the last number. */
  readonly bytes: Buffer;
  readonly stream: Stream;
  /** The last number is that of a seal; otherwise the lines carry none. */
  readonly isSealed: boolean;
}

/**
 * Recognises lines that end as the agent writes them, by their last bytes, without parsing the line. That is safe: a quote
 * inside a string is escaped, so the bytes `,"host_id":"` begin a field; and from there to the line's last brace there is no other one.
 */
export class Origins {
  readonly #ledger: Ledger;
  readonly #tails = new Map<string, Tail>();
  #last: Tail | undefined;
  /** Of the line that was recognised last. */
  stream!: Stream;
  /** 0 where its lines carry none. */
  seal = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** False for a line that has another end. @throws {TooMuchError} */
  recognise(memory: Buffer, start: number, end: number): boolean {
    let at = end - 2;
    if (memory[end - 1] !== CLOSING_BRACE) return false;
    let value = 0;
    for (let unit = 1; at > start && isDigit(memory[at]!); at--, unit *= 10) value += (memory[at]! - ZERO) * unit;
    const digits = end - 2 - at;
    // -5 and 1.5 end with digits, too.
    if (memory[at] !== COLON) return false;
    if (digits === 0 || digits > MAX_DIGITS || !Number.isSafeInteger(value) || memory[at + 1] === ZERO) return false;
    const tail =
      this.#last !== undefined && endsWith(memory, start, at + 1, this.#last.bytes)
        ? this.#last
        : this.#find(memory, start, at + 1);
    if (tail === undefined) return false;
    this.#last = tail;
    this.stream = tail.stream;
    this.seal = tail.isSealed ? value : 0;
    return true;
  }

  #find(memory: Buffer, start: number, end: number): Tail | undefined {
    const from = Math.max(start, end - MAX_TAIL_BYTES);
    const offset = memory.subarray(from, end).lastIndexOf(TAIL_START);
    if (offset === -1) return undefined;
    const text = memory.latin1Slice(from + offset, end);
    return this.#tails.get(text) ?? this.#learn(text);
  }

  /** @param latin1 the bytes of a tail, one a character */
  #learn(latin1: string): Tail | undefined {
    const bytes = Buffer.from(latin1, 'latin1');
    const text = `{${bytes.toString('utf8').slice(1)}1}`;
    let fields: unknown;
    try {
      fields = JSON.parse(text);
    } catch {
      return undefined;
    }
    if (!isObject(fields) || !TAIL_FIELDS.includes(Object.keys(fields).join())) return undefined;
    const origin = originOf(fields);
    if (origin === undefined) return undefined;
    const stream = this.#ledger.stream(origin.hostId, origin.host, origin.bootId, origin.stream);
    const tail = { bytes, stream, isSealed: 'seal' in fields };
    this.#ledger.budget.take(COST.tail + bytes.length * 2);
    this.#tails.set(latin1, tail);
    return tail;
  }
}

export const isDigit = (byte: number): boolean => byte >= ZERO && byte <= ZERO + 9;

function endsWith(memory: Buffer, start: number, end: number, tail: Buffer): boolean {
  let at = end - tail.length;
  if (at < start) return false;
  for (let i = 0; i < tail.length; i++, at++) if (memory[at] !== tail[i]) return false;
  return true;
}

/** The longest name or id that is taken, in UTF-16 units. */
const MAX_NAME_LENGTH = 512;

/** The origin of a parsed line; undefined where it does not say, or says nonsense. */
export function originOf(
  fields: Readonly<Record<string, unknown>>,
): { hostId: string; host: string; bootId: string | undefined; stream: string } | undefined {
  const { host_id: hostId, host, boot_id: bootId, stream } = fields;
  const isName = (value: unknown): value is string =>
    typeof value === 'string' && value !== '' && value.length <= MAX_NAME_LENGTH;
  if (!isName(hostId) || !isName(stream)) return undefined;
  // Stores give null or an empty text where a field was absent.
  const hasBoot = bootId !== undefined && bootId !== null && bootId !== '';
  if (hasBoot && !isName(bootId)) return undefined;
  return { hostId, host: isName(host) ? host : '', bootId: hasBoot ? bootId : undefined, stream };
}
