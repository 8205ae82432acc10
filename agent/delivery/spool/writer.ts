import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf, systemCode } from '../../errors.ts';
import type { Pace } from '../../backoff.ts';
import { Retry } from '../retry.ts';
import { syncFolder } from './folder.ts';
import { encodeFrame, type FrameContent } from './frame.ts';
import type { Place } from './place.ts';
import { removeSegment, Room, type RoomOptions } from './room.ts';
import { encodeSegmentHeader, FILE_MODE, openFile, segmentName, type SegmentFile } from './segment-file.ts';
import type { SpoolState } from './state.ts';
import type { TailView } from './tail.ts';

/** One write has so many frames and bytes at most, but one frame at least: each frame is two buffers, and a call takes 1,024. */
const GROUP = { frames: 256, bytes: 4 * 1024 * 1024 };

/** How long a spool without room waits before it looks again, in milliseconds. */
const LOOK_AGAIN: Pace = { firstMs: 500, longestMs: 1000 };
const FAILING: Pace = { firstMs: 250, longestMs: 15_000 };

export interface WriterOptions extends RoomOptions {
  segmentBytes: number;
  /** Whether each write has to survive a crash of the machine at once. */
  syncEach: boolean;
  /** Whether every output has the records before an ordinal: if the disk fails, they need not be written. */
  isDelivered: (ordinal: number) => boolean;
  /** More is written, or given up. */
  onWritten: () => void;
  /** A segment is about to be given up that outputs may not have read. Must not wait for anything to be written. */
  beforeDrop: () => Promise<unknown>;
  pace?: Pace;
}

/** A frame to be written. */
export interface PendingFrame {
  readonly content: FrameContent;
  readonly before: Place;
  readonly after: Place;
  /** The same in memory; undefined for a frame without records. */
  readonly view: TailView | undefined;
}

/** Writes frames to segments, in order, one write at a time. A write that fails is tried again until it works. */
export class SpoolWriter {
  readonly #state: SpoolState;
  readonly #options: WriterOptions;
  readonly #room: Room;
  readonly #retry: Retry;
  readonly #full: Retry;
  #pending: PendingFrame[] = [];
  #segment: SegmentFile | undefined;
  #handle: FileHandle | undefined;
  #bootId: string | undefined;
  /** Whether the next frame begins a segment whatever room there is. */
  #rollDue = false;
  #isDirty = false;
  #loop: Promise<void> | undefined;
  #stalled: string | undefined;
  #waiting: Array<() => void> = [];
  #isClosing = false;

  constructor(state: SpoolState, options: WriterOptions) {
    this.#state = state;
    this.#options = options;
    this.#room = new Room(state, options, (segment) => this.#giveUp(segment));
    this.#retry = new Retry(options.pace ?? FAILING);
    this.#full = new Retry(options.pace ?? LOOK_AGAIN);
  }

  /** Why nothing can be written now; undefined while it can. */
  get stalled(): string | undefined {
    return this.#stalled;
  }

  /** Goes on in a segment that was begun in an earlier life. @throws the system's error */
  async resume(segment: SegmentFile, bootId: string | undefined): Promise<void> {
    this.#handle = await openFile(segment.path, true);
    this.#segment = segment;
    this.#bootId = bootId;
  }

  /** Takes a frame. It is written after `kick`. */
  add(frame: PendingFrame): void {
    this.#pending.push(frame);
  }

  kick(): void {
    if (this.#pending.length === 0 || this.#loop !== undefined) return;
    this.#loop = this.#write().finally(() => {
      this.#loop = undefined;
      // Lines that came while it ended must not wait for the next ones.
      this.kick();
      this.#tellWaiting();
    });
  }

  /** There may be room again. */
  wake(): void {
    this.#full.wake();
  }

  /** Resolves when the records before an ordinal are written, or nothing can be written now. */
  async reached(ordinal: number): Promise<void> {
    while (this.#loop !== undefined && this.#stalled === undefined && this.#state.written.ordinal < ordinal)
      await new Promise<void>((resolve) => void this.#waiting.push(resolve));
  }

  #tellWaiting(): void {
    for (const tell of this.#waiting.splice(0)) tell();
  }

  async #write(): Promise<void> {
    while (this.#pending.length > 0) {
      const group = this.#nextGroup();
      try {
        const why = await this.#writeGroup(group);
        if (why !== undefined) {
          await this.#stall('SpoolFull', why, this.#full);
          continue;
        }
      } catch (error) {
        const isFull = ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '');
        if (isFull && (await this.#room.dropOldest('the disk is full').catch(() => false))) continue;
        await this.#stall('SpoolFailed', reasonOf(error), this.#retry);
        continue;
      }
      this.#recovered();
      this.#pending.splice(0, group.length);
      this.#state.written = group.at(-1)!.after;
      if (this.#options.syncEach) this.#state.synced = this.#state.written.ordinal;
      this.#tellWaiting();
      this.#options.onWritten();
    }
  }

  #recovered(): void {
    this.#retry.worked();
    this.#full.worked();
    if (this.#stalled === undefined) return;
    this.#stalled = undefined;
    this.#state.telemetry.raise('SpoolRecovered', {});
  }

  async #stall(event: 'SpoolFull' | 'SpoolFailed', reason: string, retry: Retry): Promise<void> {
    this.#state.telemetry.raiseRepeating(event, 'stalled', { reason });
    this.#stalled = reason;
    this.#tellWaiting();
    if (this.#isClosing) {
      this.#pending = [];
      return;
    }
    await retry.wait(undefined);
    this.#skipDelivered();
  }

  /** Healthy outputs must not suffer from a disk that fails: what all of them have is not written any more. */
  #skipDelivered(): void {
    let skipped = 0;
    for (const { after, view } of this.#pending) {
      if (!this.#options.isDelivered(after.ordinal)) break;
      if (view !== undefined) view.isDone = true;
      skipped++;
    }
    if (skipped === 0) return;
    // The next lines do not follow those in the segment.
    this.#rollDue = true;
    this.#state.written = this.#pending[skipped - 1]!.after;
    this.#pending.splice(0, skipped);
    this.#options.onWritten();
  }

  /** Frames that go into the same segment. */
  #nextGroup(): PendingFrame[] {
    const [first] = this.#pending;
    const group: PendingFrame[] = [];
    let bytes = 0;
    for (const frame of this.#pending) {
      bytes += frame.content.lines.length;
      const fits = group.length < GROUP.frames && bytes <= GROUP.bytes && frame.after.bootId === first!.after.bootId;
      if (!fits && group.length > 0) break;
      group.push(frame);
    }
    return group;
  }

  /** @returns why there is no room; undefined when it is written. @throws the system's error */
  async #writeGroup(group: readonly PendingFrame[]): Promise<string | undefined> {
    // Bounded: a hash that is late is left out.
    for (const { view } of group) await view?.segment.settledIn(view.from, view.to);
    const buffers: Buffer[] = [];
    const starts: number[] = [];
    let bytes = 0;
    for (const { content, before, after } of group) {
      starts.push(bytes);
      const head = encodeFrame(content, before, after, this.#state.tag);
      buffers.push(head);
      if (content.lines.length > 0) buffers.push(content.lines);
      bytes += head.length + content.lines.length;
    }
    const why = await this.#room.make(bytes);
    if (why !== undefined) return why;
    const segment = await this.#segmentFor(group[0]!, bytes);
    const offset = segment.size;
    try {
      await writeAllAt(this.#handle!, buffers, offset);
      this.#isDirty = true;
      if (this.#options.syncEach) await this.#sync();
    } catch (error) {
      // Nothing of it may be found behind what is written there next.
      await this.#handle?.truncate(offset);
      throw error;
    }
    segment.size = offset + bytes;
    this.#room.used(bytes);
    for (const [i, { view }] of group.entries()) {
      if (view === undefined) continue;
      view.file = segment;
      view.offset = offset + starts[i]!;
      view.isDone = true;
    }
    return undefined;
  }

  async #segmentFor({ before, after }: PendingFrame, bytes: number): Promise<SegmentFile> {
    const isFull = (this.#segment?.size ?? 0) + bytes > this.#options.segmentBytes;
    if (this.#segment !== undefined && !this.#rollDue && !isFull && this.#bootId === after.bootId) return this.#segment;
    await this.#endSegment();
    return this.#beginSegment(before, after.bootId);
  }

  async #beginSegment(before: Place, bootId: string | undefined): Promise<SegmentFile> {
    const { folder, id, droppedTo, boots, segments } = this.#state;
    const path = join(folder, segmentName(before.ordinal));
    // One of the same name has frames without records only.
    const same = segments.newest;
    if (same?.path === path) await removeSegment(this.#state, same);
    const handle = await open(path, 'wx+', FILE_MODE);
    const head = encodeSegmentHeader({ spoolId: id, bootId, droppedTo, boots: bootsUpTo(boots, bootId), before });
    const segment = { path, first: before.ordinal, size: head.length };
    try {
      await writeAllAt(handle, [head], 0);
      await syncFolder(folder);
    } catch (error) {
      await handle.close();
      await removeSegment(this.#state, segment);
      throw error;
    }
    segments.add(segment);
    this.#segment = segment;
    this.#handle = handle;
    this.#bootId = bootId;
    this.#rollDue = false;
    return segment;
  }

  async #endSegment(): Promise<void> {
    if (this.#handle === undefined) return;
    await this.#sync();
    await this.#handle.close();
    this.#handle = undefined;
    this.#segment = undefined;
  }

  async #giveUp(segment: SegmentFile): Promise<void> {
    await this.#options.beforeDrop();
    // The next header says what was dropped.
    this.#rollDue = true;
    if (segment !== this.#segment) return;
    await this.#handle?.close();
    this.#handle = undefined;
    this.#segment = undefined;
    this.#isDirty = false;
  }

  /** Forces written frames to disk, so that they survive a crash of the machine. Reports its own failure. */
  async sync(): Promise<void> {
    if (this.#isDirty) {
      const { ordinal } = this.#state.written;
      try {
        await this.#sync();
        this.#state.synced = Math.max(this.#state.synced, ordinal);
      } catch (error) {
        this.#state.telemetry.raiseRepeating('SpoolFailed', 'sync', { reason: reasonOf(error) });
      }
    }
    await this.#checkFile();
  }

  async #sync(): Promise<void> {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    try {
      await this.#handle?.datasync();
    } catch (error) {
      this.#isDirty = true;
      throw error;
    }
  }

  /** A file that somebody has removed is written no further. */
  async #checkFile(): Promise<void> {
    const segment = this.#segment;
    const stats = await this.#handle?.stat().catch(() => undefined);
    if (segment === undefined || segment !== this.#segment || stats?.nlink !== 0) return;
    this.#rollDue = true;
    await this.#state.reportDamage(segment, { offset: 0, end: 0, reason: 'the file was removed while it was written' });
  }

  /** Writes what it can and closes. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.kick();
    this.#retry.wake();
    this.#full.wake();
    while (this.#loop !== undefined) await this.#loop;
    await this.sync();
    await this.#handle?.close().catch(() => undefined);
    this.#handle = undefined;
  }
}

/** The boots in a header: those after its own are not known yet when it is read alone. */
function bootsUpTo(boots: SpoolState['boots'], bootId: string | undefined): SpoolState['boots'] {
  return boots.slice(0, boots.findLastIndex((span) => span.bootId === bootId) + 1);
}

/** Writes all of it, whatever the system takes at a time. @throws the system's error */
async function writeAllAt(handle: FileHandle, buffers: readonly Buffer[], position: number): Promise<void> {
  let left = [...buffers];
  let at = position;
  while (left.length > 0) {
    const { bytesWritten } = await handle.writev(left, at);
    at += bytesWritten;
    let skip = bytesWritten;
    while (left[0] !== undefined && left[0].length <= skip) skip -= left.shift()!.length;
    if (skip > 0) left = [left[0]!.subarray(skip), ...left.slice(1)];
  }
}
