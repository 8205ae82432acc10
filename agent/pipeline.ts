import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from './delivery/log/log.ts';
import { NO_NUMBER, type Item } from './events/item.ts';
import type { Stage } from './events/stage.ts';

/** How long the source may be asked to wait for outputs, in milliseconds: it still reads far more than a machine executes. */
const PATIENCE_MS = 10;

export interface PipelineOptions {
  /** Filters, rules and enrichment, in the order in which they work. */
  stages: readonly Stage[];
  log: Log;
  /** Settles when outputs that are far behind have done some work; undefined while none is. */
  congestion: () => Promise<unknown> | undefined;
  /** Settles when a full spool that must not lose anything has room; undefined while it has. The source waits that long. */
  blocked?: () => Promise<unknown> | undefined;
}

/**
 * source → stages → log, a batch at a time. An output that is slow holds up nobody: to one that is far behind and at work
 * the source gives a moment, since the helper still holds what is not read.
 */
export class Pipeline {
  readonly #options: PipelineOptions;

  constructor(options: PipelineOptions) {
    this.#options = options;
  }

  /**
   * Takes a batch from the source. Numbers that stages leave out are not missing: the log is told how far the batch went.
   * @returns what to wait for before the next, if anything; not for long, except where a full spool blocks
   */
  take(batch: readonly Item[]): Promise<unknown> | undefined {
    const { stages, log, congestion } = this.#options;
    let items = batch;
    for (const stage of stages) items = stage(items);
    log.append(items, lastNumberOf(batch));
    const blocked = this.#options.blocked?.();
    if (blocked !== undefined) return blocked;
    const busy = congestion();
    return busy && Promise.race([busy, delay(PATIENCE_MS, undefined, { ref: false })]);
  }
}

/** The last number that there is: numbers rise. */
function lastNumberOf(batch: readonly Item[]): number {
  return batch.findLast(({ last }) => last !== NO_NUMBER)?.last ?? NO_NUMBER;
}
