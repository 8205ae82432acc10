import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { OutputCounters } from '../../../agent/delivery/output-counters.ts';
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
  /** The refused records. */
  refused: string[] = [];
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
    if (outcome.kind === 'refused') this.refused.push(...linesIn(batch).filter((_, i) => !took(i)));
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

/** The numbers that gaps among these lines stand for. */
export function gapsIn(lines: readonly string[]): number {
  const events = lines.map((line) => JSON.parse(line) as { type: string; count: number });
  return events.reduce((sum, { type, count }) => (type === 'gap' ? sum + count : sum), 0);
}

/** The numbers that counters say are lost. */
export const lossesOf = ({ overtaken, rejected, missedByCause }: OutputCounters): number =>
  [...missedByCause].reduce((sum, { count }) => sum + count, overtaken + rejected);

/** A log with one output. After each test that delivered everything, what was counted as lost has to be what gaps said. */
export function makeDelivery(options: Partial<DeliveryOptions> & { output?: Gate } = {}) {
  const gate = options.output ?? new Gate();
  const counters = options.counters ?? new OutputCounters();
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
    counters,
    ...options,
  });
  const close = delivery.close.bind(delivery);
  delivery.close = async (deadline) => {
    const left = await close(deadline);
    const told = gapsIn(gate.taken) + gapsIn(gate.refused);
    if (left === 0 && readerGone === 0 && lossesOf(counters) !== told)
      throw new Error(`counted as lost: ${lossesOf(counters)}; told in gaps: ${told}`);
    return left;
  };
  const start = async (): Promise<void> => {
    await delivery.open();
    delivery.attach(log);
    delivery.start();
  };
  const append = (items: readonly Item[], through?: number): void => log.append(items, through);
  return { gate, log, delivery, raised, start, append, readerGone: () => readerGone };
}

export async function eventually(t: ExecutionContext, condition: () => boolean, what?: string): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) await delay(2);
  t.true(condition(), what);
}
