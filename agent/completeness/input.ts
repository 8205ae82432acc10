import { count, isObject, type Check } from '../../shared/events/fields.ts';
import { GAP_FIELDS, GAP_REQUIRED } from '../../shared/events/gap.ts';
import { checkFields, shape } from '../../shared/events/parse.ts';
import { SEAL_FIELDS, sealOf } from '../events/seal.ts';
import { reasonOf } from '../errors.ts';
import { nativeView } from '../formats/native-view.ts';
import { TooMuchError } from './budget.ts';
import { digestOf, MAX_FORMS, type FoundGap, type Ledger, type Place, type Stream } from './ledger.ts';
import type { LineTaker } from './line-reader.ts';
import { isDigit, MAX_DIGITS, originOf, Origins } from './origin.ts';

const ZERO = 0x30;
const COMMA = 0x2c;
const CLOSING_BRACE = 0x7d;
const OPENING_BRACE = 0x7b;
const SEQ = Buffer.from(',"seq":');
/** The first bytes of a line that has to be parsed. */
const PARSED = ['{"type":"seal",', '{"type":"gap",'].map((text) => Buffer.from(text));

/** The reasons why a line is no part of a proof. Each is counted; the first lines of each are kept. */
export const FAULTS = {
  too_long: 'the line is longer than any that the agent writes',
  not_utf8: 'the line is not UTF-8',
  not_json: 'the line is not a JSON object',
  no_identity:
    'the line does not say which host and stream it is from (host_id, stream): set identity: true for a file output; network outputs always say it',
  bad_seal: 'the seal is not a seal',
  bad_gap: 'the gap is not a gap',
  bad_number: 'its number (seq or seal) is not a whole number',
  too_many_forms: `more than ${MAX_FORMS} different seals have this number`,
} as const;

export type Fault = keyof typeof FAULTS;

const KEPT_OF_EACH = 20;

interface FaultyLine extends Place {
  readonly fault: Fault;
  /** Further words, where there are any. */
  readonly detail?: string;
}

/** Reads lines into a ledger. Never throws for a bad line: it is counted, and the first ones are kept. */
export class Input implements LineTaker {
  readonly #ledger: Ledger;
  readonly #origins: Origins;
  readonly faulty: FaultyLine[] = [];
  readonly faults = new Map<Fault, number>();
  /** Files whose last line lacks its end, as while they are being written. */
  readonly cut: Place[] = [];
  lines = 0;

  #file = '';
  #memory: Buffer | undefined;
  /** Where the next `seq` of `#memory` begins. */
  #field = -1;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
    this.#origins = new Origins(ledger);
  }

  /** The lines that follow are of this file. */
  begin(file: string): void {
    this.#file = file;
  }

  /** @throws {TooMuchError} */
  line(memory: Buffer, start: number, end: number, line: number, isText: boolean): void {
    this.lines++;
    if (!isText) return this.#fault('not_utf8', line);
    const isOurs = memory[start] === OPENING_BRACE && this.#origins.recognise(memory, start, end);
    if (!isOurs) return this.#rewritten(memory, start, end, line);
    const { stream, seal } = this.#origins;
    if (PARSED.some((bytes) => memory.compare(bytes, 0, bytes.length, start, start + bytes.length) === 0))
      return this.#parsed(memory, start, end, line);
    const field = this.#fieldFrom(memory, start);
    if (field >= end) return this.#ledger.other(stream, seal, digestOf(memory, start, end));
    const seq = numberAt(memory, field + SEQ.length, end);
    if (seq === undefined) return this.#fault('bad_number', line);
    this.#ledger.event(stream, seal, seq, memory, start, end);
  }

  tooLong(line: number): void {
    this.lines++;
    this.#fault('too_long', line);
  }

  unfinished(memory: Buffer, start: number, end: number, line: number, isText: boolean): void {
    if (isText && parse(memory, start, end) !== undefined) return this.line(memory, start, end, line, isText);
    this.lines++;
    if (this.cut.length < KEPT_OF_EACH) this.cut.push({ file: this.#file, line });
  }

  /** The first field `seq` from `start` on. */
  #fieldFrom(memory: Buffer, start: number): number {
    if (memory !== this.#memory || this.#field < start) {
      this.#memory = memory;
      this.#field = memory.indexOf(SEQ, start);
      // Without one in the rest, no later line has to look.
      if (this.#field === -1) this.#field = Infinity;
    }
    return this.#field;
  }

  /** A seal or a gap with the agent's own end. */
  #parsed(memory: Buffer, start: number, end: number, line: number): void {
    const { stream, seal } = this.#origins;
    const fields = parse(memory, start, end);
    if (fields === undefined) return this.#fault('not_json', line);
    this.#take(
      fields,
      stream,
      seal,
      digestOf(memory, start, end),
      line,
      (value) => JSON.stringify(value) === memory.toString('utf8', start, end),
    );
  }

  /** A line of another format, one that somebody has written anew, or one that is not the agent's. */
  #rewritten(memory: Buffer, start: number, end: number, line: number): void {
    const value = parse(memory, start, end);
    if (value === undefined) return this.#fault('not_json', line);
    const fields = nativeView(value) ?? value;
    const origin = originOf(fields);
    if (origin === undefined) return this.#fault('no_identity', line);
    const seal = wholeOf(fields['seal'] ?? 0);
    if (seal === undefined) return this.#fault('bad_number', line);
    const stream = this.#ledger.stream(origin.hostId, origin.host, origin.bootId, origin.stream);
    const digest = digestOf(memory, start, end);
    if (fields['type'] === 'seal' || fields['type'] === 'gap')
      return this.#take(
        asBefore(fields),
        stream,
        seal,
        digest,
        line,
        // The native lines of the agent end as it writes them, and do not come here.
        () => fields !== value && JSON.stringify(value) === memory.toString('utf8', start, end),
      );
    const seq = wholeOf(fields['seq'] ?? 0);
    if (seq === undefined) return this.#fault('bad_number', line);
    // Stores give 0 where a field was absent; no event has that number.
    if (seq === 0) this.#ledger.other(stream, seal, digest);
    else this.#ledger.event(stream, seal, seq, memory, start, end);
  }

  #take(
    fields: Record<string, unknown>,
    stream: Stream,
    seal: number,
    digest: string,
    line: number,
    isAsWritten: (value: unknown) => boolean,
  ): void {
    if (fields['type'] === 'gap') {
      const gap = gapOf(fields);
      if (typeof gap === 'string') return this.#fault('bad_gap', line, gap);
      return this.#ledger.other(stream, seal, digest, gap);
    }
    try {
      const checked = sealOf(fields);
      if (seal === 0) return this.#fault('bad_seal', line, 'seal.seal: expected a whole number from 1');
      const { from, to, sent, filtered, gap, lines, sum, prev, reason, time } = checked;
      const place = { file: this.#file, line };
      const found = { type: 'seal', time, from, to, sent, filtered, gap, lines, sum, reason, seal } as const;
      const kept = this.#ledger.seal(stream, {
        ...found,
        ...(prev === undefined ? {} : { prev }),
        hash: digest,
        asWritten: isAsWritten(fields),
        place,
      });
      if (!kept) this.#fault('too_many_forms', line);
    } catch (error) {
      if (error instanceof TooMuchError) throw error;
      this.#fault('bad_seal', line, reasonOf(error));
    }
  }

  #fault(fault: Fault, line: number, detail?: string): void {
    const before = this.faults.get(fault) ?? 0;
    this.faults.set(fault, before + 1);
    if (before < KEPT_OF_EACH)
      this.faulty.push({ file: this.#file, line, fault, ...(detail === undefined ? {} : { detail }) });
  }
}

function parse(memory: Buffer, start: number, end: number): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(memory.toString('utf8', start, end));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The digits from `first` on, which a comma or a brace has to follow; undefined where they are no number. */
function numberAt(memory: Buffer, first: number, end: number): number | undefined {
  let at = first;
  let value = 0;
  for (; at < end && isDigit(memory[at]!); at++) value = value * 10 + memory[at]! - ZERO;
  const digits = at - first;
  const isWhole = digits > 0 && digits <= MAX_DIGITS && (digits === 1 || memory[first] !== ZERO);
  const isOver = memory[at] === COMMA || memory[at] === CLOSING_BRACE;
  return isWhole && isOver && Number.isSafeInteger(value) ? value : undefined;
}

/** A whole number, which some stores give as text; undefined for anything else. */
function wholeOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{1,16}$/u.test(value) ? Number(value) : value;
  return count(number) === undefined ? (number as number) : undefined;
}

/** Fields of seals and gaps that hold whole numbers. */
const COUNTS = new Set(
  Object.entries<Check>({ ...SEAL_FIELDS, ...GAP_FIELDS })
    .filter(([, { kind }]) => kind?.is === 'count')
    .map(([name]) => name),
);
const TIME_OF_STORES = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)$/u;

/** The fields as the agent wrote them: stores give numbers as text, times in another form, and null or nothing where a field was absent. */
function asBefore(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const before: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(fields)) {
    // Whether a gap's count is exact does not matter here.
    if (value === null || value === '' || name === 'uncounted') continue;
    if (COUNTS.has(name)) before[name] = wholeOf(value) ?? value;
    else before[name] = name === 'time' && typeof value === 'string' ? value.replace(TIME_OF_STORES, '$1T$2Z') : value;
  }
  return before;
}

const GAP_SHAPE = shape(GAP_FIELDS, GAP_REQUIRED);

/** A gap, or what is wrong with it. A filter may have taken numbers out of its range, so `count` can be less than that. */
function gapOf(fields: Readonly<Record<string, unknown>>): FoundGap | string {
  try {
    checkFields(fields, 'gap', GAP_SHAPE);
  } catch (error) {
    return reasonOf(error);
  }
  const { first, last, count: lost, hop, cause } = fields as unknown as FoundGap;
  if (last < first || lost > last - first + 1)
    return `gap.count: ${lost} numbers do not fit between ${first} and ${last}`;
  return { first, last, count: lost, hop, cause };
}
