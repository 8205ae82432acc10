import { setTimeout as delay } from 'node:timers/promises';
import { reasonOf, systemCode } from '../../errors.ts';
import type { Facts } from '../../events/facts.ts';
import { MemorySegment, newIndex, SEGMENT_BYTES } from '../log/memory-segment.ts';
import type { Place } from './place.ts';
import { FrameScanner, type ScannedFrame } from './scanner.ts';
import { openFile, type SegmentFile } from './segment-file.ts';
import type { SpoolState } from './state.ts';
import type { FrameView } from './view.ts';

/** Attempts to read a file that gives errors, and how long each waits, in milliseconds. Then it counts as damaged. */
const ATTEMPTS = 3;
const PAUSE_MS = 100;

/** Reads the spool's files for one output: some frames at a time, about as many as fit into a segment of the log. */
export class DiskReader {
  readonly #state: SpoolState;
  #file: SegmentFile | undefined;
  #offset: number | undefined;

  constructor(state: SpoolState) {
    this.#state = state;
  }

  /** The next record to read is in this frame. */
  seek(file: SegmentFile, offset: number): void {
    this.#file = file;
    this.#offset = offset;
  }

  /**
   * Reads on: what is damaged or missing is passed over and told of.
   * @returns frames that end after a record's ordinal; none when no file holds any. Never rejects.
   */
  async load(ordinal: number): Promise<FrameView[]> {
    const { segments } = this.#state;
    if (this.#file === undefined) this.#goTo(segments.find(ordinal));
    for (;;) {
      const file = this.#file;
      if (file === undefined) return [];
      const frames = segments.has(file) ? await this.#loadFrom(file, ordinal) : [];
      if (frames.length > 0) return viewsOf(frames);
      const next = segments.after(file);
      // Where this is the newest, more may come in it.
      if (next === undefined) return [];
      this.#goTo(next);
    }
  }

  #goTo(file: SegmentFile | undefined): void {
    this.#file = file;
    this.#offset = undefined;
  }

  async #loadFrom(file: SegmentFile, ordinal: number): Promise<ScannedFrame[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#scan(file, ordinal);
      } catch (error) {
        const isGone = systemCode(error) === 'ENOENT';
        if (!isGone && attempt < ATTEMPTS) {
          await delay(PAUSE_MS, undefined, { ref: false });
          continue;
        }
        const reason = isGone ? 'the file is missing' : `the file cannot be read: ${reasonOf(error)}`;
        if (this.#state.segments.has(file)) await this.#state.reportDamage(file, { offset: 0, end: 0, reason });
        if (isGone) this.#state.segments.remove(file);
        return [];
      }
    }
  }

  async #scan(file: SegmentFile, ordinal: number): Promise<ScannedFrame[]> {
    const frames: ScannedFrame[] = [];
    const { size } = file;
    const handle = await openFile(file.path);
    try {
      const scanner = new FrameScanner(handle, { tag: this.#state.tag, size, offset: this.#offset ?? 0 });
      if (this.#offset === undefined) await scanner.header();
      for (let bytes = 0; bytes < SEGMENT_BYTES;) {
        const found = await scanner.next();
        if (found === undefined) break;
        if (found.kind === 'damage') {
          await this.#state.reportDamage(file, found);
        } else if (found.header.after.ordinal > ordinal) {
          if (frames[0] !== undefined && frames[0].index.bootId !== found.index.bootId) break;
          // Facts are in the index.
          bytes += found.lines.length + found.header.indexBytes;
          frames.push(found);
        }
        this.#offset = found.end;
      }
    } finally {
      await handle.close();
    }
    return frames;
  }
}

/** Frames of one boot as pieces of one segment of memory. */
function viewsOf(frames: readonly ScannedFrame[]): FrameView[] {
  const memory = Buffer.allocUnsafeSlow(frames.reduce((sum, { lines }) => sum + lines.length, 0));
  const index = newIndex(frames.reduce((sum, { header }) => sum + header.records, 0));
  const { bootId } = frames[0]!.index;
  const facts: (Facts | undefined)[] | undefined = frames.some((frame) => frame.index.facts) ? [] : undefined;
  const segment = MemorySegment.of(bootId, memory, index, facts);
  let from = 0;
  let at = 0;
  return frames.map(({ header, index: own, lines }) => {
    lines.copy(memory, at);
    for (const [i, end] of own.ends.entries()) index.ends[from + i] = at + end;
    index.firsts.set(own.firsts, from);
    index.lasts.set(own.lasts, from);
    index.flags.set(own.flags, from);
    if (facts !== undefined && own.facts !== undefined)
      for (const [i, some] of own.facts.entries()) facts[from + i] = some;
    at += lines.length;
    const to = from + header.records;
    const view = { segment, from, to, before: inBoot(header.before, bootId), after: inBoot(header.after, bootId) };
    from = to;
    return view;
  });
}

/** A place from a frame's header, which does not say the boot. */
export function inBoot(place: Place, bootId: string | undefined): Place {
  return { ...place, bootId };
}
