import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { itemOf, type Item, type StreamEvent } from '../../../../agent/events/item.ts';
import { natsOutputSchema } from '../../../../agent/outputs/nats/config.ts';
import { NatsOutput } from '../../../../agent/outputs/nats/output.ts';
import type { Batch, Outcome } from '../../../../agent/outputs/output.ts';
import { batchOf } from '../../support/batches.ts';
import { recordingTelemetry } from '../../support/telemetry.ts';

/** An output that is open. */
export async function outputFor(url: string | readonly string[], more: object = {}) {
  const { telemetry, raised } = recordingTelemetry();
  const servers = typeof url === 'string' ? [url] : url;
  const config = natsOutputSchema.parse({ type: 'nats', name: 'soc', timeout: '5s', servers, ...more });
  const output = new NatsOutput(config, telemetry);
  await output.open();
  return Object.assign(output, { raised, [Symbol.asyncDispose]: () => output.close() });
}

/** Items as the delivery hands them over: in the output's format. */
export function batchFor(output: NatsOutput, items: readonly Item[], bootId = 'boot'): Batch {
  const lines = items.map((item) => {
    const pieces = output.format!.encode(item, { bootId }) as readonly Uint8Array[];
    return itemOf(JSON.parse(Buffer.concat([...pieces]).toString()) as StreamEvent);
  });
  return batchOf(bootId, lines);
}

/** Why a batch is to be sent again; empty where it is not. */
export const reasonIn = (outcome: Outcome): string => (outcome.kind === 'retry' ? outcome.reason : '');

export const emptyFolder = (): string => mkdtempSync(join(tmpdir(), 'probes-nats-'));

/** A file in a folder of its own. */
export function file(content: string): string {
  const path = join(emptyFolder(), 'secret');
  writeFileSync(path, content);
  return path;
}
