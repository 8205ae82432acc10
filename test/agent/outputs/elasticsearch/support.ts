import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Item } from '../../../../agent/events/item.ts';
import type { FormatContext } from '../../../../agent/formats/format.ts';
import { elasticsearchOutputSchema } from '../../../../agent/outputs/elasticsearch/config.ts';
import { ElasticsearchOutput } from '../../../../agent/outputs/elasticsearch/output.ts';
import type { PendingBatch } from '../../../../agent/delivery/pending-batch.ts';
import { formattedBatch } from '../../support/batches.ts';
import { recordingTelemetry } from '../../support/telemetry.ts';

/** An output that is open. */
export async function outputFor(url: string, more: object = {}) {
  const { telemetry, raised } = recordingTelemetry();
  const config = elasticsearchOutputSchema.parse({ type: 'elasticsearch', name: 'soc', timeout: '5s', url, ...more });
  const output = new ElasticsearchOutput(config, telemetry);
  await output.open();
  return Object.assign(output, { raised, [Symbol.asyncDispose]: () => output.close() });
}

export const batchFor = (output: ElasticsearchOutput, items: readonly Item[], context?: FormatContext): PendingBatch =>
  formattedBatch(output.format!, items, context);

/** The fate of a batch. */
export interface Settlement {
  /** Places of records that were refused. */
  readonly refused: readonly number[];
  readonly reasons: readonly string[];
  /** How often it was sent. */
  readonly sends: number;
}

/** Sends a batch as a delivery does, until it is settled. @throws where that takes more than `most` sends */
export async function settle(output: ElasticsearchOutput, batch: PendingBatch, most = 50): Promise<Settlement> {
  const refused: number[] = [];
  const reasons: string[] = [];
  const all = batch.records;
  for (let sends = 1; sends <= most; sends++) {
    const done = all - batch.records;
    const outcome = await output.send(batch);
    if (outcome.kind === 'taken') return { refused, reasons, sends };
    reasons.push(outcome.reason);
    if (outcome.kind === 'refused') refused.push(...outcome.records.map((i) => done + i));
    const settled = outcome.kind === 'refused' ? (outcome.through ?? batch.records) : (outcome.taken ?? 0);
    if (settled > batch.records || !batch.advance(settled)) return { refused, reasons, sends };
  }
  throw new Error(`not settled after ${most}: ${reasons.at(-1)}`);
}

export const emptyFolder = (): string => mkdtempSync(join(tmpdir(), 'probes-es-'));
