import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { Delivery, type DeliveryOptions } from '../../../agent/delivery/delivery.ts';
import { Log } from '../../../agent/delivery/log/log.ts';
import type { Item } from '../../../agent/events/item.ts';
import type { Position } from '../../../agent/events/position.ts';
import { TAKEN, type Batch, type Bookmark, type Outcome, type Output } from '../../../agent/outputs/output.ts';
import { exec, summary, toItem } from '../support/items.ts';
import { recordingTelemetry } from '../support/telemetry.ts';

export const ITEM_BYTES = exec(1).bytes;
export const NEVER = new Promise<void>(() => undefined);

/** An output whose sends wait until they are let through, and end as asked. */
export class Gate implements Output {
  position: Position | undefined;
  begun: string[] = [];
  taken: string[] = [];
  calls: string[] = [];
  /** How many records each batch had. */
  batches: number[] = [];
  /** How the next sends end: an error is thrown. */
  outcomes: Array<Outcome | Error> = [];
  #held: PromiseWithResolvers<void> | undefined;
  readonly bookmark: Bookmark = {
    load: async () => this.position,
    commit: async ({ bootId, last }) => void this.calls.push(`at ${bootId} ${last} after ${this.taken.length}`),
  };

  hold(): void {
    this.#held = Promise.withResolvers();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  async open(): Promise<void> {
    this.calls.push('open');
  }

  async send(batch: Batch): Promise<Outcome> {
    this.begun.push(`${batch.bootId} ${batch.first}`);
    this.batches.push(batch.records);
    await this.#held?.promise;
    const outcome = this.outcomes.shift() ?? TAKEN;
    if (outcome instanceof Error) throw outcome;
    const took = (i: number): boolean => {
      if (outcome.kind === 'retry') return i < (outcome.taken ?? 0);
      return outcome.kind === 'taken' || (i < (outcome.through ?? Infinity) && !outcome.records.includes(i));
    };
    this.taken.push(...linesIn(batch).filter((_, i) => took(i)));
    return outcome;
  }

  async flush(): Promise<void> {
    this.calls.push('flush');
  }

  async close(): Promise<void> {
    this.calls.push('close');
  }

  /** The calls, without those to the bookmark. */
  get life(): string[] {
    return this.calls.filter((call) => !call.startsWith('at '));
  }

  get summary(): string {
    return summary(this.taken.map((line) => toItem(JSON.parse(line) as object)));
  }
}

/** Its lines, cut where the batch says they end. */
function linesIn(batch: Batch): string[] {
  const { lines, records } = batch;
  return Array.from({ length: records }, (_, i) =>
    lines.toString('utf8', i === 0 ? 0 : batch.endOf(i - 1), batch.endOf(i) - 1),
  );
}

/** A log with one output. */
export function makeDelivery(options: Partial<DeliveryOptions> & { output?: Gate } = {}) {
  const gate = options.output ?? new Gate();
  const { telemetry, raised } = recordingTelemetry();
  let readerGone = 0;
  const log = new Log();
  const delivery = new Delivery({
    name: 'test',
    output: gate,
    maxLagBytes: 1024 * 1024,
    telemetry,
    onReaderGone: () => void readerGone++,
    pace: { firstMs: 1, longestMs: 2 },
    ...options,
  });
  const start = async (): Promise<void> => {
    await delivery.open();
    delivery.attach(log);
    delivery.start();
  };
  const append = (items: readonly Item[], through?: number): void => log.append(items, through);
  return { gate, log, delivery, raised, start, append, readerGone: () => readerGone };
}

export async function eventually(t: ExecutionContext, condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) await delay(2);
  t.true(condition());
}
