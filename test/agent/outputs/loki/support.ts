import type { Item } from '../../../../agent/events/item.ts';
import type { FormatContext } from '../../../../agent/formats/format.ts';
import { lokiOutputSchema } from '../../../../agent/outputs/loki/config.ts';
import { LokiOutput } from '../../../../agent/outputs/loki/output.ts';
import type { PendingBatch } from '../../../../agent/delivery/pending-batch.ts';
import { Receiver, type Answer } from '../../../support/receiver.ts';
import { formattedBatch } from '../../support/batches.ts';
import { recordingTelemetry } from '../../support/telemetry.ts';

/** An output that is open. */
export async function outputFor(url: string, more: object = {}) {
  const { telemetry, raised } = recordingTelemetry();
  const output = new LokiOutput(
    lokiOutputSchema.parse({ type: 'loki', name: 'soc', timeout: '5s', url, ...more }),
    telemetry,
  );
  await output.open();
  return Object.assign(output, { raised, [Symbol.asyncDispose]: () => output.close() });
}

export const batchFor = (output: LokiOutput, items: readonly Item[], context?: FormatContext): PendingBatch =>
  formattedBatch(output.format!, items, context);

/** An entry as it was pushed. */
export interface Pushed {
  readonly labels: Readonly<Record<string, string>>;
  readonly time: bigint;
  readonly line: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The entries of a push request. @throws where it is none, as Loki's documentation describes it */
export function entriesIn(body: string): Pushed[] {
  const { streams } = JSON.parse(body) as { streams: { stream: Pushed['labels']; values: unknown[][] }[] };
  return streams.flatMap(({ stream: labels, values }) =>
    values.map(([time, line, metadata]) => {
      if (typeof time !== 'string' || !/^\d+$/u.test(time)) throw new Error(`no time: ${String(time)}`);
      if (typeof line !== 'string') throw new Error('no line');
      if (!Object.values(metadata as object).every((value) => typeof value === 'string'))
        throw new Error('structured metadata is text');
      return { labels, time: BigInt(time), line, metadata: metadata as Pushed['metadata'] };
    }),
  );
}

/**
 * A stand-in for Loki: keeps entries, drops exact duplicates, and refuses what `refuses` names, while it keeps the rest of the
 * same request. Made after Loki's documentation; it is not Loki.
 */
export class StandIn extends Receiver {
  readonly entries: Pushed[] = [];
  readonly #seen = new Set<string>();
  /** Loki's text for an entry that it does not take. */
  refuses: (entry: Pushed) => string | undefined = () => undefined;

  override answer: Answer = ({ body }, response) => {
    let text: string | undefined;
    for (const entry of entriesIn(body)) {
      const said = this.refuses(entry);
      text = said ?? text;
      const key = JSON.stringify([entry.labels, String(entry.time), entry.line]);
      if (said !== undefined || this.#seen.has(key)) continue;
      this.#seen.add(key);
      this.entries.push(entry);
    }
    response.writeHead(text === undefined ? 204 : 400).end(text);
  };

  get address(): string {
    return this.url.replace('/events', '');
  }

  get numbers(): (string | undefined)[] {
    return this.entries.map(({ metadata }) => metadata['seq'] ?? metadata['first']);
  }
}
