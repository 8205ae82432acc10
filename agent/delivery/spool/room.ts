import { rm, statfs } from 'node:fs/promises';
import { basename } from 'node:path';
import { systemCode } from '../../errors.ts';
import type { SegmentFile } from './segment-file.ts';
import type { SpoolState } from './state.ts';

/** How long a look at the disk counts, in milliseconds. */
const LOOK_AFTER_MS = 1000;

export interface RoomOptions {
  /** How large the spool's segments may be together, in bytes. */
  maxBytes: number;
  /** Free disk that is left alone, in bytes. */
  reserve: number;
  whenFull: 'drop_oldest' | 'block';
}

/** Sees to it that there is room for what is written next: gives up the oldest segments, or says that there is none. */
export class Room {
  readonly #state: SpoolState;
  readonly #options: RoomOptions;
  /** Ends the writing of a segment that is given up. */
  readonly #onDrop: (segment: SegmentFile) => Promise<void>;
  #free = Infinity;
  #lookedAt = -Infinity;
  /** Bytes that were given up since the disk had less than the reserve, and are not written again yet. */
  #credit = 0;

  constructor(state: SpoolState, options: RoomOptions, onDrop: (segment: SegmentFile) => Promise<void>) {
    this.#state = state;
    this.#options = options;
    this.#onDrop = onDrop;
  }

  /** @returns undefined when so many bytes can be written; else why not */
  async make(bytes: number): Promise<string | undefined> {
    const { segments } = this.#state;
    const { maxBytes, reserve, whenFull } = this.#options;
    while (segments.bytes + bytes > maxBytes && segments.oldest !== undefined) {
      if (whenFull === 'block') return `it holds ${segments.bytes} bytes, and max_bytes are ${maxBytes}`;
      await this.#dropOldest('max_bytes is reached');
    }
    while (this.#credit < bytes && (await this.#freeBytes()) - bytes < reserve) {
      if (whenFull === 'block' || !(await this.dropOldest('the disk has no more than the reserve left')))
        return `the disk has ${this.#free} bytes left, and the reserve is ${reserve}`;
    }
    return undefined;
  }

  /** So much was written. */
  used(bytes: number): void {
    this.#free -= bytes;
    this.#credit = Math.max(0, this.#credit - bytes);
  }

  /**
   * Gives up the oldest segment, where that makes room on a disk that is full. One that was just begun, and holds no record, gives
   * none: it would be begun and given up without end.
   * @returns whether there was one
   */
  async dropOldest(reason: string): Promise<boolean> {
    const { segments, written } = this.#state;
    const { oldest } = segments;
    if (oldest === undefined || oldest.first >= written.ordinal || this.#options.whenFull === 'block') return false;
    this.#credit += oldest.size;
    await this.#dropOldest(reason);
    return true;
  }

  async #dropOldest(reason: string): Promise<void> {
    const { segments, telemetry, written } = this.#state;
    const oldest = segments.oldest!;
    await this.#onDrop(oldest);
    this.#state.droppedTo = segments.after(oldest)?.first ?? written.ordinal;
    await removeSegment(this.#state, oldest);
    telemetry.raiseRepeating('SpoolFull', 'dropped', { reason, file: basename(oldest.path), bytes: oldest.size });
  }

  async #freeBytes(): Promise<number> {
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_AFTER_MS) return this.#free;
    this.#lookedAt = now;
    try {
      const { bavail, bsize } = await statfs(this.#state.folder);
      this.#free = bavail * bsize;
    } catch {
      // A disk that cannot be asked fails when it is written to, which says more.
      this.#free = Infinity;
    }
    return this.#free;
  }
}

/** Removes a segment that is not needed, or must go. */
export async function removeSegment({ segments }: SpoolState, segment: SegmentFile): Promise<void> {
  segments.remove(segment);
  await rm(segment.path, { force: true }).catch((error: unknown) => {
    if (systemCode(error) === undefined) throw error;
  });
}
