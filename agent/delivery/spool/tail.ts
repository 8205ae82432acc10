import type { Log } from '../log/log.ts';
import type { FrameView } from './view.ts';
import type { SegmentFile } from './segment-file.ts';

/** A frame that is still in the memory of the log. */
export interface TailView extends FrameView {
  /** Whether it is written, or need not be. */
  isDone: boolean;
  /** Where it is on disk; undefined while it is not there. */
  file: SegmentFile | undefined;
  offset: number;
}

/** The newest frames of the spool, which are in memory: an output that keeps up never reads from disk. */
export class Tail {
  readonly #log: Log;
  #views: TailView[] = [];
  #head = 0;
  #memoryBytes = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  get first(): TailView | undefined {
    return this.#views[this.#head];
  }

  /** Bytes of the log's memory that these frames hold fast. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  push(view: TailView): void {
    if (this.#views.at(-1)?.segment !== view.segment) this.#memoryBytes += view.segment.memory.length;
    view.segment.lent++;
    this.#views.push(view);
  }

  /** Gives up the first. Its memory is used again once no batch is sent from it. */
  shift(): void {
    const view = this.#views[this.#head++]!;
    view.segment.lent--;
    if (this.first?.segment !== view.segment) this.#memoryBytes -= view.segment.memory.length;
    if (this.#head === this.#views.length || this.#head > 1024) {
      this.#views = this.#views.slice(this.#head);
      this.#head = 0;
    }
    if (view.segment !== this.#log.newest) this.#log.release();
  }

  /** The frame with the record of an ordinal, or the first after it. Undefined where that is not in memory, or not there yet. */
  find(ordinal: number): TailView | undefined {
    if (this.first === undefined || this.first.before.ordinal > ordinal) return undefined;
    let low = this.#head;
    let high = this.#views.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#views[middle]!.after.ordinal > ordinal) high = middle;
      else low = middle + 1;
    }
    return this.#views[low];
  }

  clear(): void {
    while (this.first !== undefined) this.shift();
  }
}
