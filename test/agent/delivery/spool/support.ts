import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Delivery } from '../../../../agent/delivery/delivery.ts';
import { Log } from '../../../../agent/delivery/log/log.ts';
import { OutputCounters } from '../../../../agent/delivery/output-counters.ts';
import { Spool, type SpoolOptions } from '../../../../agent/delivery/spool/spool.ts';
import type { FactName } from '../../../../agent/events/facts.ts';
import { Item } from '../../../../agent/events/item.ts';
import type { BatchLimits } from '../../../../agent/outputs/output.ts';
import { recordingTelemetry, type Raised } from '../../support/telemetry.ts';
import { Gate, gapsIn, lossesOf } from '../support.ts';

export const BOOT = 'boot';

/** A folder that is removed at the end of a block. */
export class TemporaryFolder implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'spool-'));
  /** Where the spool goes; it makes it itself. */
  readonly spool = join(this.root, 'spool');

  /** The names of the segments, oldest first. */
  get segments(): string[] {
    return readdirSync(this.spool)
      .filter((name) => name.endsWith('.segment'))
      .sort()
      .map((name) => join(this.spool, name));
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Events that lie side by side in memory, as a read brings them; every `alertEvery`th is an alert. */
export function events(first: number, count: number, { bytes = 40, alertEvery = Infinity } = {}): Item[] {
  const lines = Array.from({ length: count }, (_, i) => {
    const head = `{"type":"exec","seq":${first + i},"p":"`;
    return `${head}${'x'.repeat(Math.max(0, bytes - head.length - 3))}"}\n`;
  });
  const memory = Buffer.from(lines.join(''));
  let at = 0;
  return lines.map((line, i) => {
    const start = at;
    at += line.length;
    const number = first + i;
    return new Item(memory, start, at, number, number, undefined, undefined, number % alertEvery === 0);
  });
}

/** One life of an agent with a spool. */
export interface Life {
  log: Log;
  spool: Spool;
  raised: Raised[];
  /** The number that the source has to send first; undefined when all that it holds. */
  due: number | undefined;
  /** Begins to deliver to an output. */
  output(
    name: string,
    options?: {
      alertsOnly?: boolean;
      gate?: Gate;
      limits?: BatchLimits;
      seals?: boolean;
      enrich?: readonly FactName[];
    },
  ): Promise<Receiver>;
  /** Ends it as an agent that is told to stop. */
  stop(): Promise<void>;
}

/** An output that remembers what it got. */
export interface Receiver {
  gate: Gate;
  delivery: Delivery;
  counters: OutputCounters;
}

/** Throws unless what was counted as lost is what the output's gaps say. Only once all sends have ended. */
export function checkCounters({ gate, counters }: Receiver): void {
  const told = gapsIn(gate.taken) + gapsIn(gate.refused);
  if (lossesOf(counters) !== told) throw new Error(`counted as lost: ${lossesOf(counters)}; told in gaps: ${told}`);
}

/** Opens a spool whose writes are never due by time: tests say when. */
export async function begin(
  folder: string,
  options: Partial<SpoolOptions> & { bootId?: string; lastSeq?: number } = {},
): Promise<Life> {
  const { bootId = BOOT, lastSeq = Number.MAX_SAFE_INTEGER, ...own } = options;
  const { telemetry, raised } = recordingTelemetry();
  const log = new Log();
  const spool = await Spool.open(log, {
    folder,
    maxBytes: 1024 ** 3,
    reserve: 0,
    whenFull: 'drop_oldest',
    sync: 3_600_000,
    telemetry,
    pace: { firstMs: 1, longestMs: 2 },
    ...own,
  });
  const due = log.begin({ bootId, firstSeq: 1, lastSeq });
  const receivers: Receiver[] = [];
  return {
    log,
    spool,
    raised,
    due,
    output: async (name, { alertsOnly = false, gate = new Gate(), limits, seals = false, enrich = [] } = {}) => {
      if (limits !== undefined) Object.assign(gate, { limits });
      const counters = new OutputCounters();
      const delivery = new Delivery({
        counters,
        name,
        output: gate,
        maxLagBytes: 1024 * 1024,
        alertsOnly,
        seals,
        enrich,
        telemetry,
        onReaderGone: () => undefined,
        pace: { firstMs: 1, longestMs: 2 },
      });
      await delivery.open();
      delivery.attach(spool.source(name));
      delivery.start();
      const receiver = { gate, delivery, counters };
      receivers.push(receiver);
      return receiver;
    },
    stop: async () => {
      await Promise.all(receivers.map(({ delivery, gate }) => (gate.release(), delivery.close(Promise.resolve()))));
      await spool.close();
    },
  };
}

/** The records that an output got: numbers of events, and the ranges of gaps. */
export interface Got {
  first: number;
  last: number;
  count: number;
  cause?: string;
  hop?: string;
  uncounted?: true;
}

export function gotBy({ gate }: { gate: Gate }): Got[] {
  return gate.taken.map((line) => {
    const event = JSON.parse(line) as Got & { seq: number; type: string };
    const { first, last, count, cause, hop, uncounted } = event;
    return event.type === 'gap'
      ? {
          first,
          last,
          count,
          ...(cause === undefined ? {} : { cause }),
          ...(hop === undefined ? {} : { hop }),
          ...(uncounted && { uncounted }),
        }
      : { first: event.seq, last: event.seq, count: 1 };
  });
}

/** Waits for what is sure to come. */
export async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + Number(process.env['SPOOL_WAIT_MS'] ?? 20_000);
  while (!condition()) {
    if (performance.now() > end) throw new Error(`it did not come: ${condition.toString()}`);
    await new Promise((resolve) => void setTimeout(resolve, 1));
  }
}
