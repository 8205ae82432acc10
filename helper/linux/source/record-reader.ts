import { closeSync, openSync, readSync } from 'node:fs';
import { MAX_COMMAND_LINE_BYTES, OPEN_EVENT_MS, SETTLE_INTERVAL_MS } from '../../limits.ts';
import type { Clock } from '../../stream/clock.ts';
import type { KernelCount } from '../../stream/event-source.ts';
import type { LongLine } from '../../stream/long-line.ts';
import type { HelperState } from '../../stream/state.ts';
import type { EventStream, LineBuilder } from '../../stream/stream.ts';
import type { KernelCounters } from './counters.ts';
import type { ExecLines } from './exec-line.ts';
import { exitLine } from './exit-line.ts';
import { forkLine } from './fork-line.ts';
import { EVENT, EVENT_BYTES, EXIT_BYTES, KIND, MORE, MORE_BYTES, RECORD_TYPE } from './record.ts';
import { KINDS } from '../layout.ts';

// Offsets in words: a property and a shift for each read would take longer than the read.
const CPU = EVENT.cpu >>> 2;
const NUMBER = EVENT.number >>> 2;
const ARGV_BYTES = EVENT.argv_bytes >>> 2;
const ARGS_BYTES = EVENT.args_bytes >>> 2;
const ENV_BYTES = EVENT.env_bytes >>> 2;
const ENV_TOTAL = EVENT.env_total >>> 2;

/** The arguments or the environment of an open event. */
interface Block {
  /** In the order of their bytes. They lie in the ring until `keep`. */
  parts: Buffer[];
  bytes: number;
  readonly expected: number;
}

/** An event whose arguments or environment go on in further records of its processor. */
interface OpenEvent {
  /** Where its first record lies: in the ring until `keep`, and then in memory of its own. */
  words: Uint32Array;
  memory: Buffer;
  offset: number;
  readonly length: number;
  readonly number: number;
  readonly args: Block;
  readonly env: Block;
  /** In the ring; nothing from here on may be released, so that a successor finds the event whole. */
  readonly position: number;
  /** When the last piece came, in milliseconds of performance.now(), which no one can step. */
  since: number;
}

/**
 * Turns records into events, in their order, and every number that is missing
 * into a gap. The records of one counter (a processor and a kind) come in the
 * order of their numbers, because the probe never runs twice at a time on one
 * processor; so a jump in the numbers is a loss, at once and for sure.
 */
export class RecordReader {
  readonly #words: Uint32Array;
  readonly #bytes: Buffer;
  readonly #lines: ExecLines;
  readonly #stream: EventStream;
  readonly #state: HelperState;
  readonly #counters: KernelCounters;
  readonly #clock: Clock;
  readonly #executed = new Set<string>();
  #settled: readonly KernelCount[] = [];
  #settledAt = Number.NEGATIVE_INFINITY;
  readonly #open = new Map<number, OpenEvent>();
  /** Where the record lies that the builders below turn into a line. */
  #offset = 0;
  /** Made once: nearly all events are built by it, and a closure for each of them takes time. */
  readonly #buildWhole: LineBuilder<string | LongLine> = (seq, room) =>
    this.#lines.line(seq, room, this.#words, this.#bytes, this.#offset);
  readonly #buildExit: LineBuilder = (seq) => exitLine(this.#words, this.#offset, seq, this.#clock);
  readonly #buildFork: LineBuilder = (seq) => forkLine(this.#words, this.#bytes, this.#offset, seq, this.#clock);

  constructor(
    memory: { readonly words: Uint32Array; readonly bytes: Buffer },
    lines: ExecLines,
    stream: EventStream,
    state: HelperState,
    counters: KernelCounters,
    clock: Clock,
  ) {
    this.#words = memory.words;
    this.#bytes = memory.bytes;
    this.#lines = lines;
    this.#stream = stream;
    this.#state = state;
    this.#counters = counters;
    this.#clock = clock;
  }

  /** Takes the record of `length` bytes at `offset`; `position` is its place in the ring. */
  take(offset: number, length: number, position: number): void {
    const words = this.#words;
    const w = offset >>> 2;
    const first = words[w] as number;
    const type = first & 0xffff;
    const kind = first >>> 16;
    const counter = (words[w + CPU] as number) * KINDS + kind;
    const number = (words[w + NUMBER] as number) + (words[w + NUMBER + 1] as number) * 0x1_0000_0000;
    if (type === RECORD_TYPE.event && length >= (kind === KIND.exit ? EXIT_BYTES : EVENT_BYTES))
      this.#takeEvent(kind, counter, number, offset, length, position);
    else if ((type === RECORD_TYPE.args || type === RECORD_TYPE.env) && length >= MORE_BYTES)
      this.#takeMore(type, counter, number, offset);
  }

  /**
   * Notes a record that lies in the ring when the helper begins. A process that has
   * executed something since the probe was attached is told by that event alone,
   * not by the snapshot as well.
   */
  notice(offset: number): void {
    const first = this.#word(offset);
    if (first === (RECORD_TYPE.event | (KIND.exec << 16))) this.#executed.add(this.#processKey(offset));
  }

  /**
   * The oldest place in the ring that is still needed, at most `position`. An event
   * whose arguments are still coming stays in the ring, so that a successor finds
   * it whole; but not if it takes more than `most` bytes, or one long command line
   * could keep the ring from everyone else.
   */
  firstNeeded(position: number, most: number): number {
    let back = 0;
    for (const { position: at } of this.#open.values()) {
      const bytes = (position - at) >>> 0;
      if (bytes <= most) back = Math.max(back, bytes);
    }
    return (position - back) >>> 0;
  }

  /** Whether arguments or the environment of some event are still coming. */
  get hasOpen(): boolean {
    return this.#open.size > 0;
  }

  /**
   * Copies what has come of the open events out of the ring. Call it before the ring is released. There are few: nearly
   * always an event comes whole, and its arguments are read where they lie.
   */
  keep(): void {
    for (const open of this.#open.values()) {
      if (open.words === this.#words) {
        const memory = Buffer.from(new ArrayBuffer((open.length + 7) & ~7));
        this.#bytes.copy(memory, 0, open.offset, open.offset + open.length);
        open.words = new Uint32Array(memory.buffer);
        open.memory = memory;
        open.offset = 0;
      }
      keepParts(open.args, this.#bytes);
      keepParts(open.env, this.#bytes);
    }
  }

  /** Sends as they are the events whose next arguments do not come. */
  closeStale(nowMs: number): void {
    for (const [counter, open] of this.#open) if (nowMs - open.since > OPEN_EVENT_MS) this.#finish(counter, open);
  }

  /**
   * Reports the losses that no later event shows.
   * @param counts the kernel's counters, read before the ring was last drained to its end
   */
  settle(counts: readonly KernelCount[]): void {
    // Long enough for any event that was on its way between the kernel's counter and the ring.
    const now = performance.now();
    const isLongAgo = now - this.#settledAt >= SETTLE_INTERVAL_MS / 2;
    counts.forEach(({ lost }, counter) => {
      if (this.#open.has(counter)) return;
      const count = lost - this.#state.lost(counter);
      if (count > 0) this.#reportLoss(counter, count);
      // A number that was given before the last time we were here, and whose event is neither in the ring nor counted
      // as lost, is lost all the same: its first half was in the memory of a helper that was killed.
      const missing = (this.#settled[counter]?.events ?? 0) - this.#state.nextNumber(counter);
      if (isLongAgo && missing > 0) this.#reportLoss(counter, missing);
    });
    if (!isLongAgo) return;
    this.#settled = counts;
    this.#settledAt = now;
  }

  #takeEvent(kind: number, counter: number, number: number, offset: number, length: number, position: number): void {
    const open = this.#open.get(counter);
    if (open !== undefined && open.number !== number) this.#finish(counter, open);
    const expected = this.#state.nextNumber(counter);
    // Read again after a restart: a predecessor has already sent it.
    if (number < expected) return;
    if (number > expected) this.#reportLoss(counter, number - expected);

    this.#offset = offset;
    if (kind === KIND.exit) this.#stream.event(this.#buildExit);
    else if (kind === KIND.fork) this.#stream.event(this.#buildFork);
    else if (kind === KIND.snapshot) this.#takeSnapshot(offset);
    else if (this.#isWholeAt(offset)) this.#stream.event(this.#buildWhole);
    else {
      this.#openEvent(counter, number, offset, length, position);
      return;
    }
    this.#state.setNextNumber(counter, number + 1);
  }

  /** Whether the record of an exec is followed by no more of its arguments or its environment. */
  #isWholeAt(offset: number): boolean {
    const words = this.#words;
    const w = offset >>> 2;
    const here = words[w + ARGS_BYTES] as number;
    // Where none could be read, none follow.
    if (here < (words[w + ARGV_BYTES] as number) && here > 0) return false;
    // Without names nobody waits for what a predecessor with names has had sent.
    return (words[w + ENV_BYTES] as number) >= (words[w + ENV_TOTAL] as number) || !this.#lines.readsEnvironment;
  }

  /** Keeps the record of an exec until the rest of it has come. */
  #openEvent(counter: number, number: number, offset: number, length: number, position: number): void {
    const total = this.#word(offset + EVENT.argv_bytes);
    const here = this.#word(offset + EVENT.args_bytes);
    const env = this.#word(offset + EVENT.env_bytes);
    const end = offset + length;
    const bytes = this.#bytes;
    this.#open.set(counter, {
      words: this.#words,
      memory: bytes,
      offset,
      length,
      number,
      args: blockOf(bytes.subarray(end - env - here, end - env), here === 0 ? 0 : total),
      env: blockOf(
        bytes.subarray(end - env, end),
        this.#lines.readsEnvironment ? this.#word(offset + EVENT.env_total) : env,
      ),
      position,
      since: performance.now(),
    });
  }

  #takeSnapshot(offset: number): void {
    const pid = this.#word(offset + EVENT.pid);
    if (this.#executed.has(this.#processKey(offset))) this.#state.repeated++;
    else {
      const args = readCommandLine(pid);
      const isCut = args.length === MAX_COMMAND_LINE_BYTES;
      this.#stream.event((seq, room) => this.#lines.line(seq, room, this.#words, this.#bytes, offset, [args], isCut));
    }
  }

  /** (pid, start time), as one key. */
  #processKey(offset: number): string {
    return `${this.#word(offset + EVENT.pid)} ${this.#word(offset + EVENT.start_time)} ${this.#word(offset + EVENT.start_time + 4)}`;
  }

  #takeMore(type: number, counter: number, number: number, offset: number): void {
    const open = this.#open.get(counter);
    if (open === undefined || open.number !== number) return;
    const block = type === RECORD_TYPE.args ? open.args : open.env;
    if (this.#word(offset + MORE.offset) !== block.bytes || block.bytes >= block.expected) return;
    const bytes = this.#word(offset + MORE.bytes);
    block.parts.push(this.#bytes.subarray(offset + MORE_BYTES, offset + MORE_BYTES + bytes));
    block.bytes += bytes;
    open.since = performance.now();
    if (isWhole(open.args) && isWhole(open.env)) this.#finish(counter, open);
  }

  #finish(counter: number, open: OpenEvent): void {
    const { words, memory, offset, args, env } = open;
    this.#open.delete(counter);
    const joined = { bytes: Buffer.concat(env.parts), cut: !isWhole(env) };
    this.#stream.event((seq, room) =>
      this.#lines.line(seq, room, words, memory, offset, args.parts, !isWhole(args), joined),
    );
    this.#state.setNextNumber(counter, open.number + 1);
  }

  /** Of `count` missing numbers, as many are put down to the ring as the kernel says; what else is missing, it does not say why. */
  #reportLoss(counter: number, count: number): void {
    const full = Math.min(count, Math.max(0, this.#counters.lost(counter) - this.#state.lost(counter)));
    this.#gap(counter, full, 'ring_full');
    this.#state.setLost(counter, this.#state.lost(counter) + full);
    this.#gap(counter, count - full, 'unknown');
  }

  #gap(counter: number, count: number, cause: string): void {
    if (count === 0) return;
    this.#stream.gap('ring', count, cause);
    this.#state.setNextNumber(counter, this.#state.nextNumber(counter) + count);
  }

  #word(offset: number): number {
    return this.#words[offset >>> 2] as number;
  }
}

const blockOf = (part: Buffer, expected: number): Block => ({ parts: [part], bytes: part.length, expected });

/** Copies the parts that lie in the ring. */
function keepParts(block: Block, ring: Buffer): void {
  block.parts = block.parts.map((part) => (part.buffer === ring.buffer ? Buffer.from(part) : part));
}

const isWhole = ({ bytes, expected }: Block): boolean => bytes >= expected;

/** The arguments of a running process; empty when it has ended, or hides them (hidepid of proc(5)). */
function readCommandLine(pid: number): Buffer {
  let file: number;
  try {
    file = openSync(`/proc/${pid}/cmdline`, 'r');
  } catch {
    return Buffer.alloc(0);
  }
  // A process can claim any size, by prctl(PR_SET_MM): no more is read than execve could have given it.
  const pieces: Buffer[] = [];
  for (let left = MAX_COMMAND_LINE_BYTES; left > 0; left -= pieces.at(-1)?.length ?? 0) {
    const piece = Buffer.alloc(Math.min(left, 65536));
    const bytes = readPiece(file, piece);
    if (bytes === 0) break;
    pieces.push(piece.subarray(0, bytes));
  }
  closeSync(file);
  return Buffer.concat(pieces);
}

function readPiece(file: number, piece: Buffer): number {
  try {
    return readSync(file, piece);
  } catch {
    return 0; // it has ended meanwhile
  }
}
