import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from './delivery/log/log.ts';
import type { Marker } from './delivery/seal/marker.ts';
import { NO_NUMBER, type Item } from './events/item.ts';
import type { Stage } from './events/stage.ts';

/** Longest wait of the source for outputs, in milliseconds: it still reads far faster than a machine executes programs. */
const PATIENCE_MS = 10;

export interface PipelineOptions {
  /** Filters, rules and enrichment, in the order of their work. */
  stages: readonly Stage[];
  log: Log;
  marker?: Pick<Marker, 'passed'>;
  /** Settles when outputs that are far behind have made progress; undefined while none is. */
  congestion: () => Promise<unknown> | undefined;
  /** Settles when a full spool that must not lose anything has room again; undefined while it has. The source waits for it. */
  blocked?: () => Promise<unknown> | undefined;
}

/**
 * source → stages → log, one batch at a time. A slow output delays no other. The source pauses briefly for a working output
 * that is far behind, because the helper still holds unread events.
 */
export class Pipeline {
  readonly #options: PipelineOptions;

  constructor(options: PipelineOptions) {
    this.#options = options;
  }

  /**
   * Takes a batch from the source. Numbers that stages drop are not missing: the log learns the batch's last number.
   * @returns a promise to await before the next batch, if any; short, except when a full spool blocks
   */
  take(batch: readonly Item[]): Promise<unknown> | undefined {
    const { stages, log, marker, congestion } = this.#options;
    let items = batch;
    for (const stage of stages) items = stage(items);
    const last = lastNumberOf(batch);
    log.append(items, last);
    marker?.passed(firstNumberOf(batch), last);
    const blocked = this.#options.blocked?.();
    if (blocked !== undefined) return blocked;
    const busy = congestion();
    return busy && Promise.race([busy, delay(PATIENCE_MS, undefined, { ref: false })]);
  }
}

/** Returns the first number in the batch, which is the lowest. */
function firstNumberOf(batch: readonly Item[]): number {
  return batch.find(({ first }) => first !== NO_NUMBER)?.first ?? NO_NUMBER;
}

/** Returns the last number in the batch, which is the highest. */
function lastNumberOf(batch: readonly Item[]): number {
  return batch.findLast(({ last }) => last !== NO_NUMBER)?.last ?? NO_NUMBER;
}
