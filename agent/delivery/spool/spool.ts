import type { Pace } from '../../backoff.ts';
import { NO_NUMBER } from '../../events/item.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import type { DeliverySource } from '../delivery.ts';
import type { Cursor } from '../log/cursor.ts';
import type { Log } from '../log/log.ts';
import type { Piece } from '../log/reader.ts';
import { OutputCounters } from '../output-counters.ts';
import { flagsOf, MemorySegment, newIndex, SEGMENT_BYTES, SEGMENT_RECORDS } from '../log/memory-segment.ts';
import { identify, listSegments, prepareFolder, saveIdentity } from './folder.ts';
import { lockFolder, type Lock } from './lock.ts';
import type { Place } from './place.ts';
import { oldestPlace } from './oldest.ts';
import { forgetOthers, placesOf, recover } from './recover.ts';
import { removeSegment, type RoomOptions } from './room.ts';
import { SEGMENT_FILE_BYTES, type SegmentFile } from './segment-file.ts';
import { SpooledCursor } from './spooled-cursor.ts';
import { SpoolState } from './state.ts';
import { Tail, type TailView } from './tail.ts';
import { placeAfter } from './view.ts';
import { SpoolWriter } from './writer.ts';

/** How often what is written is forced to disk with `sync: batch`, for what filters leave no record of, in milliseconds. */
const TICK_MS = 1000;

/** Memory of the log that the newest frames hold fast, in bytes; what they are is then read from disk. */
const TAIL_BYTES = 16 * 1024 * 1024;

/** How far the spool may be behind the log, in bytes, while the disk does not take what it writes. */
const MAX_LAG_BYTES = 32 * 1024 * 1024;

/** A segment is at most this part of the whole, so that few events are given up at a time. */
const SEGMENTS = 16;

export interface SpoolOptions extends RoomOptions {
  folder: string;
  /** Milliseconds between syncs, or `batch` for one with each write. */
  sync: number | 'batch';
  telemetry: Telemetry;
  segmentBytes?: number;
  tailBytes?: number;
  maxLagBytes?: number;
  pace?: Pace;
  now?: () => Date;
}

/** A spool at this moment. */
export interface SpoolStatus {
  readonly folder: string;
  /** On disk. */
  readonly bytes: number;
  readonly maxBytes: number;
  /** Records of the log that are not in it yet. */
  readonly unwritten: number;
}

/**
 * The log's second half, on disk: takes everything from the log once, numbers its records, and lets any number of outputs
 * read them, each at its own place, across restarts.
 */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #state: SpoolState;
  readonly #lock: Lock;
  readonly #writer: SpoolWriter;
  readonly #tail: Tail;
  readonly #input: Cursor;
  readonly #cursors = new Set<SpooledCursor>();
  /** Outputs that are not open now, and the ordinal that each of them needs. */
  readonly #away: Map<string, number>;
  readonly #timer: NodeJS.Timeout;
  #ticking: Promise<void> | undefined;
  #keeping: Promise<void> | undefined;
  #room: PromiseWithResolvers<void> | undefined;
  #isClosed = false;

  /**
   * Opens the spool in a folder, makes it where there is none, and begins to take what comes into the log.
   * @throws {SpoolError} when it cannot be used; the message says why and what to do
   */
  static async open(log: Log, options: SpoolOptions): Promise<Spool> {
    const { folder, telemetry } = options;
    await prepareFolder(folder);
    const lock = await lockFolder(folder);
    try {
      const segments = await listSegments(folder);
      const { id, isKept, problem } = await identify(folder, segments);
      if (problem !== undefined)
        telemetry.raise('SpoolDamaged', { file: `${folder}/spool.json`, offset: 0, reason: problem });
      if (!isKept) await saveIdentity(folder, id);
      const state = new SpoolState(folder, id, segments, telemetry);
      const last = await recover(state);
      const spool = new Spool(log, options, state, lock, await placesOf(state));
      if (last !== undefined) await spool.#writer.resume(last.segment, last.bootId);
      telemetry.raise('SpoolOpened', { folder, bytes: state.segments.bytes, next: state.end.ordinal });
      return spool;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  private constructor(log: Log, options: SpoolOptions, state: SpoolState, lock: Lock, away: Map<string, number>) {
    const { sync, telemetry, maxBytes, pace, now } = options;
    this.#options = options;
    this.#state = state;
    this.#lock = lock;
    this.#away = away;
    this.#tail = new Tail(log);
    this.#writer = new SpoolWriter(state, {
      ...options,
      segmentBytes: options.segmentBytes ?? Math.min(SEGMENT_FILE_BYTES, Math.ceil(maxBytes / SEGMENTS)),
      syncEach: sync === 'batch',
      isDelivered: (ordinal) => this.#lowestNeed() >= ordinal && this.#lowestAway() >= ordinal,
      onWritten: () => this.#written(),
      beforeDrop: () => Promise.all([...this.#cursors].map((cursor) => cursor.placed())),
      ...(pace === undefined ? {} : { pace }),
    });
    this.#input = log.open({
      alertsOnly: false,
      marks: 'copy',
      maxLagBytes: options.maxLagBytes ?? MAX_LAG_BYTES,
      position: state.position,
      onMoved: () => this.#pull(),
      onOvertaken: ({ unnumbered, ...loss }) =>
        telemetry.raiseRepeating('EventsDropped', 'spool', { output: 'spool', ...loss, unnumbered }),
      onResumed: (after) => telemetry.raise('OutputResumed', { output: 'spool', after }),
      onPositionUnknown: (reason) => telemetry.raise('PositionUnknown', { output: 'spool', reason }),
      loss: { hop: 'spool', cause: 'queue_full' },
      ...(now === undefined ? {} : { now }),
    });
    this.#timer = setInterval(() => void this.tick(), sync === 'batch' ? TICK_MS : sync).unref();
  }

  /** Whether it was opened with these options. */
  isLike(options: Pick<SpoolOptions, 'folder' | 'maxBytes' | 'whenFull' | 'sync' | 'reserve'>): boolean {
    return Object.entries(options).every(([key, value]) => this.#options[key as keyof SpoolOptions] === value);
  }

  /** Its share of the disk, for people who look. */
  get report(): SpoolStatus {
    const { folder, maxBytes } = this.#options;
    return { folder, bytes: this.#state.segments.bytes, maxBytes, unwritten: this.#input.lagRecords };
  }

  /** Bytes of memory that its newest frames hold. */
  get memoryBytes(): number {
    return this.#tail.memoryBytes;
  }

  /** With `when_full: block`: what to wait for before more is read; undefined while there is room. */
  get blocked(): Promise<void> | undefined {
    if (this.#options.whenFull !== 'block' || this.#isClosed) return undefined;
    if (this.#input.lagRecords === 0) return undefined;
    return (this.#room ??= Promise.withResolvers()).promise;
  }

  /** Removes the places of outputs that are not among these, and what was kept for them alone. */
  async retain(names: Iterable<string>): Promise<void> {
    const kept = new Set([...names, ...[...this.#cursors].map(({ name }) => name)]);
    for (const name of this.#away.keys()) if (!kept.has(name)) this.#away.delete(name);
    await forgetOthers(this.#state, kept);
    this.#progress();
  }

  /** The source of the records of an output. Who opens it again before it is closed goes on after that. */
  source(name: string): DeliverySource {
    return {
      open: ({ alertsOnly, marks, awaitsHashes = false, onMoved, onOvertaken, counters, now }) => {
        const predecessor = [...this.#cursors].findLast((cursor) => cursor.name === name);
        const cursor = new SpooledCursor({
          name,
          alertsOnly,
          seals: marks === 'stop',
          awaitsHashes,
          state: this.#state,
          tail: this.#tail,
          syncEach: this.#options.sync === 'batch',
          oldest: () => oldestPlace(this.#state, this.#tail.first?.before ?? this.#state.end),
          predecessor,
          written: (ordinal) => this.#writer.reached(ordinal),
          onMoved,
          onLost: onOvertaken,
          onProgress: () => this.#progress(),
          counters: counters ?? new OutputCounters(),
          now: now ?? (() => new Date()),
        });
        this.#cursors.add(cursor);
        this.#away.delete(name);
        void cursor.closed.then(() => this.#left(cursor));
        return cursor;
      },
    };
  }

  /** Takes what is in the log, as far as memory allows: what is not written yet cannot be given up. */
  #pull(): void {
    const bound = this.#options.tailBytes ?? TAIL_BYTES;
    const { ordinal } = this.#state.end;
    for (;;) {
      this.#evict();
      if (this.#tail.memoryBytes > bound) break;
      const piece = this.#input.take({ bytes: SEGMENT_BYTES, records: SEGMENT_RECORDS });
      if (piece === undefined) break;
      this.#add(piece);
      this.#input.commit();
    }
    this.#writer.kick();
    if (this.#input.lagRecords === 0) {
      this.#room?.resolve();
      this.#room = undefined;
    }
    if (this.#state.end.ordinal > ordinal) for (const cursor of this.#cursors) cursor.moved();
  }

  #add(piece: Piece): void {
    const { segment, from, to } = 'segment' in piece ? piece : segmentOf(piece);
    const { bootId } = piece;
    const first = segment.index.firsts.subarray(from, to).find((number) => number !== NO_NUMBER);
    const before = this.#placeBefore(bootId, first);
    const after = placeAfter(before, segment, from, to);
    const view: TailView = { segment, from, to, before, after, isDone: false, file: undefined, offset: 0 };
    const lines = segment.memory.subarray(segment.startOf(from), segment.endOf(to - 1));
    this.#state.end = after;
    this.#tail.push(view);
    this.#writer.add({ content: { index: segment.index, from, to, lines, facts: segment.facts }, before, after, view });
  }

  /** The end of the spool, as the place before records of a boot that begin with a number. */
  #placeBefore(bootId: string | undefined, first: number | undefined): Place {
    const { end } = this.#state;
    const begins = first === undefined ? end.through : first - 1;
    if (bootId !== end.bootId || this.#state.boots.length === 0) {
      this.#state.beginBoot(bootId, begins + 1);
      return { ...end, bootId, through: begins };
    }
    // Numbers that begin again, which they may not.
    return begins < end.through ? { ...end, through: begins } : end;
  }

  /** Gives up memory: of what every output has, and of the oldest when there is too much. */
  #evict(): void {
    const bound = this.#options.tailBytes ?? TAIL_BYTES;
    const need = this.#lowestNeed();
    for (let { first } = this.#tail; first?.isDone === true; first = this.#tail.first) {
      if (need < first.after.ordinal && this.#tail.memoryBytes <= bound) break;
      for (const cursor of this.#cursors) cursor.leaving(first);
      this.#tail.shift();
    }
  }

  /** An output is closed. Its undelivered records stay on disk, unless another has taken its place. */
  #left(cursor: SpooledCursor): void {
    this.#cursors.delete(cursor);
    if (![...this.#cursors].some(({ name }) => name === cursor.name)) this.#away.set(cursor.name, cursor.keeps);
    this.#progress();
  }

  #lowestAway(): number {
    return Math.min(Infinity, ...this.#away.values());
  }

  /** The lowest ordinal that an output which is open still needs. */
  #lowestNeed(): number {
    let lowest = Infinity;
    for (const { needs } of this.#cursors) lowest = Math.min(lowest, needs);
    return lowest;
  }

  #written(): void {
    this.#evict();
    if (this.#input.lagRecords > 0) this.#pull();
    else this.#progress();
  }

  /** An output has more than before, or memory and disk are free again. */
  #progress(): void {
    if (this.#isClosed) return;
    this.#evict();
    this.#removeDelivered();
    if (this.#input.lagRecords > 0) this.#pull();
  }

  /** Removes segments that no output needs after a restart. */
  #removeDelivered(): void {
    const away = this.#lowestAway();
    let kept = away;
    for (const { keeps } of this.#cursors) kept = Math.min(kept, keeps);
    const { segments } = this.#state;
    const isBefore = (next: SegmentFile | undefined, ordinal: number): boolean =>
      next !== undefined && next.first <= ordinal && ordinal !== Infinity;
    for (let { oldest } = segments; oldest !== undefined; oldest = segments.oldest) {
      const next = segments.after(oldest);
      if (!isBefore(next, kept)) {
        if (isBefore(next, Math.min(away, this.#lowestNeed()))) this.#keepPlaces();
        break;
      }
      void removeSegment(this.#state, oldest);
      this.#writer.wake();
    }
  }

  /** Forces places to disk before their time: a segment waits for nothing else. */
  #keepPlaces(): void {
    if (this.#keeping !== undefined) return;
    this.#keeping = this.#saveAll().finally(() => {
      this.#keeping = undefined;
    });
  }

  /** Records first: a place beyond what survives a crash of the machine helps nobody. */
  async #saveAll(): Promise<void> {
    await this.#writer.sync();
    for (const cursor of this.#cursors) await cursor.save(true);
  }

  /** Forces to disk what is written, then how far all got; called by itself, once for each sync interval. */
  async tick(): Promise<void> {
    if (this.#isClosed) return;
    return (this.#ticking ??= this.#tick().finally(() => {
      this.#ticking = undefined;
    }));
  }

  async #tick(): Promise<void> {
    this.#addPassed();
    await this.#writer.reached(this.#state.end.ordinal);
    for (const cursor of this.#cursors) cursor.passOver();
    await this.#saveAll();
  }

  /** A frame without records accounts for numbers that filters left out: the helper need not send them again. */
  #addPassed(): void {
    const { passed } = this.#input;
    const { end } = this.#state;
    if (passed === undefined || (passed.bootId === end.bootId && passed.last <= end.through)) return;
    const before = this.#placeBefore(passed.bootId, end.bootId === passed.bootId ? undefined : passed.last + 1);
    const after = { ...before, through: passed.last };
    this.#state.end = after;
    const content = { index: newIndex(0), from: 0, to: 0, lines: Buffer.alloc(0), facts: undefined };
    this.#writer.add({ content, before, after, view: undefined });
    this.#writer.kick();
  }

  /** Writes what it has taken, as far as the disk takes it now, and ends. Outputs are closed before. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    clearInterval(this.#timer);
    await Promise.all([this.#ticking, this.#keeping]);
    this.#addPassed();
    this.#isClosed = true;
    this.#room?.resolve();
    await this.#writer.close();
    await Promise.all([...this.#cursors].map((cursor) => cursor.close()));
    await this.#input.close();
    this.#tail.clear();
    await this.#lock.release();
  }
}

/** A line that the input's cursor made, in memory like all others. */
function segmentOf({ item, bootId }: Exclude<Piece, { segment: MemorySegment }>): {
  segment: MemorySegment;
  from: number;
  to: number;
} {
  const memory = Buffer.from(item.memory.subarray(item.start, item.end));
  const index = newIndex(1);
  index.ends[0] = memory.length;
  index.firsts[0] = item.first;
  index.lasts[0] = item.last;
  index.flags[0] = flagsOf(item);
  return { segment: MemorySegment.of(bootId, memory, index), from: 0, to: 1 };
}
