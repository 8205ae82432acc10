import { isUtf8 } from 'node:buffer';
import type { GapEvent } from '../../shared/events/gap.ts';
import type { HeartbeatEvent } from '../../shared/events/heartbeat.ts';
import type { HelloEvent } from '../../shared/events/hello.ts';
import { checkEvent, EventError, type ProbeEvent, type UnknownEvent } from '../../shared/events/parse.ts';
import { isObject } from '../../shared/events/fields.ts';
import { PROTOCOL_VERSION } from '../../shared/protocol/version.ts';
import { VERSION } from '../../shared/version.ts';
import { AgentError, reasonOf } from '../errors.ts';
import { Item, itemAt, seqOf, type Lease, type StreamEvent } from '../events/item.ts';
import { ExecShape } from './exec-shape.ts';
import { withoutArguments } from './long-exec.ts';
import type { Continuity, ReplayFilter } from './replay-filter.ts';
import { SourceState } from './source-state.ts';
import { WholeLines } from './whole-lines.ts';

const NEWLINE = 10;

/**
 * The most bytes converted to text and matched at once; of a longer line, without its arguments. Short texts are cheap to
 * make, and a regular expression keeps the whole text that it last matched.
 */
const PIECE_BYTES = 64 * 1024;

/** Receives everything of one connection except its events. */
export interface SessionListener {
  /** Learns what came; outlives the connection. */
  readonly state?: SourceState;
  /** The helper introduced itself. Called once, before any event. */
  onHello(hello: HelloEvent, continuity: Continuity): void;
  /** An event does not have the shape of its known type. Never carries the event's own text. */
  onUnreadable(reason: string): void;
}

/**
 * The protocol of one connection, without input and output: takes bytes and returns
 * new events.
 *
 * Reacts to bad bytes in two ways. A line that is not an event (not JSON, no type, too
 * long, no hello first) cannot come from our helper, so the connection ends. An event
 * of a known type with an invalid field comes from a helper that differs in a
 * detail: its number becomes a gap and the stream continues, because a replay
 * would bring the same line again and blind the agent permanently.
 */
export class Session {
  readonly #filter: ReplayFilter;
  readonly #listener: SessionListener;
  readonly #state: SourceState;
  readonly #lines = new WholeLines((memory, start, end) => this.#receiveLines(memory, start, end));
  readonly #shape = new ExecShape();
  #out: Item[] = [];
  #lease: Lease = { over: false };
  #count = 0;
  #hello: HelloEvent | undefined;

  constructor(filter: ReplayFilter, listener: SessionListener) {
    this.#state = listener.state ?? new SourceState();
    this.#filter = filter;
    this.#listener = listener;
  }

  /** The helper's introduction, once it arrived. */
  get hello(): HelloEvent | undefined {
    return this.#hello;
  }

  /**
   * The memory for the next read: at least `least` bytes. Valid until the next call. Items of earlier reads are not valid
   * any more.
   */
  room(least: number): Buffer {
    this.#lease.over = true;
    return this.#lines.room(least);
  }

  /**
   * Appends the new events of the first `bytes` bytes of `room` to `out` and returns how many lines they completed. Items
   * appended before an error are valid. They point into this session's memory, and stay valid until the next call of
   * `room`.
   * @throws {AgentError | LineTooLongError} when the stream cannot come from our helper; the connection must end
   */
  received(bytes: number, out: Item[]): number {
    this.#lease = { over: false };
    this.#out = out;
    this.#count = 0;
    this.#lines.push(bytes);
    return this.#count;
  }

  /** Takes whole lines, in pieces. */
  #receiveLines(memory: Buffer, start: number, end: number): void {
    for (let at = start; at < end;) {
      let next = end;
      if (end - at > PIECE_BYTES) {
        next = memory.lastIndexOf(NEWLINE, at + PIECE_BYTES - 1) + 1;
        if (next <= at) next = memory.indexOf(NEWLINE, at) + 1;
      }
      if (next - at <= PIECE_BYTES || !this.#receiveLong(memory, at, next)) this.#receivePiece(memory, at, next);
      at = next;
    }
  }

  /** Takes one long line if it has the usual shape. */
  #receiveLong(memory: Buffer, start: number, end: number): boolean {
    if (this.#hello === undefined || !isUtf8(memory.subarray(start, end))) return false;
    const text = withoutArguments(memory, start, end, PIECE_BYTES);
    if (text === undefined || !this.#shape.fits(text, 0) || this.#shape.end !== text.length) return false;
    this.#takeExec(memory, start, end);
    this.#count++;
    return true;
  }

  /** Takes the event that the shape was found of. */
  #takeExec(memory: Buffer, start: number, end: number): void {
    const out = this.#out;
    const before = out.length;
    const { seq } = this.#shape;
    this.#filter.take(new Item(memory, start, end, seq, seq, this.#lease), out);
    if (out.length > before) this.#state.received.exec++;
  }

  /** Takes whole lines: uses those of the usual shape unparsed, and parses the others. */
  #receivePiece(memory: Buffer, start: number, end: number): void {
    const shape = this.#shape;
    const comparable = end - start <= PIECE_BYTES && isUtf8(memory.subarray(start, end));
    const text = comparable ? memory.toString('latin1', start, end) : undefined;
    for (let at = start; at < end; this.#count++) {
      let next: number;
      if (text !== undefined && this.#hello !== undefined && shape.fits(text, at - start)) {
        next = start + shape.end;
        this.#takeExec(memory, at, next);
      } else {
        next = memory.indexOf(NEWLINE, at) + 1;
        this.#receiveLine(memory, at, next);
      }
      at = next;
    }
  }

  #receiveLine(memory: Buffer, start: number, end: number): void {
    const out = this.#out;
    const line = memory.toString('utf8', start, end - 1);
    const value = parse(line);
    if (this.#hello === undefined) checkProtocol(value);
    let event: ProbeEvent | UnknownEvent;
    try {
      event = checkEvent(value);
      if (event.type === 'gap') checkRange(event as GapEvent);
    } catch (error) {
      return this.#receiveUnreadable(value, error, out);
    }
    if (this.#hello === undefined) return this.#receiveHello(event, out);
    switch (event.type) {
      case 'hello':
        throw notOurHelper('a second hello on one connection');
      case 'heartbeat':
        this.#state.beat(event as HeartbeatEvent);
        return this.#filter.promise((event as HeartbeatEvent).last_seq);
    }
    const before = out.length;
    this.#filter.take(this.#readable(memory, start, end, line, event as StreamEvent), out);
    if (out.length > before) this.#state.count(event.type);
  }

  /** Bytes that are not UTF-8 became U+FFFD in the event, and are written in that form. */
  #readable(memory: Buffer, start: number, end: number, line: string, event: StreamEvent): Item {
    if (isUtf8(memory.subarray(start, end))) return itemAt(memory, start, end, event, this.#lease);
    const repaired = Buffer.from(`${line}\n`);
    return itemAt(repaired, 0, repaired.length, event);
  }

  #receiveHello(event: ProbeEvent | UnknownEvent, out: Item[]): void {
    if (event.type !== 'hello')
      throw notOurHelper(`the first line is not hello but ${JSON.stringify(event.type).slice(0, 40)}`);
    const hello = event as HelloEvent;
    this.#hello = hello;
    const continuity = this.#filter.begin(hello, out);
    this.#listener.onHello(hello, continuity);
  }

  #receiveUnreadable(value: unknown, error: unknown, out: Item[]): void {
    const inEvent = error instanceof EventError && isObject(value) && typeof value['type'] === 'string';
    if (!inEvent || this.#hello === undefined || value['type'] === 'hello') {
      throw notOurHelper(reasonOf(error), error);
    }
    const seq = seqOf(value as StreamEvent);
    if (seq !== undefined) this.#filter.takeUnreadable(seq, out);
    this.#listener.onUnreadable(reasonOf(error));
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // The parser's own message quotes the line, and a line may hold secrets.
    throw notOurHelper('a line is not JSON');
  }
}

/** Checks the version first: a hello of another version may have another shape. */
function checkProtocol(value: unknown): void {
  if (!isObject(value) || value['type'] !== 'hello' || typeof value['protocol'] !== 'number') return;
  if (value['protocol'] === PROTOCOL_VERSION) return;
  throw new AgentError(
    'HELPER_PROTOCOL',
    `the helper (${String(value['helper']).slice(0, 40)}) speaks protocol ${value['protocol']}, this agent (${VERSION}) speaks ` +
      `${PROTOCOL_VERSION}. Install the same version of both.`,
  );
}

function checkRange(gap: GapEvent): void {
  const room = gap.last - gap.first + 1;
  if (room < 1 || gap.count < 1 || gap.count > room) {
    throw new EventError('gap.count: expected first, last and count to agree', 'count');
  }
}

function notOurHelper(reason: string, cause?: unknown): AgentError {
  return new AgentError(
    'HELPER_PROTOCOL',
    `${reason}. The program on the socket does not speak the helper's protocol.`,
    { cause },
  );
}
