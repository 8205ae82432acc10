import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Item } from '../../../../agent/events/item.ts';
import { httpOutputSchema, type HttpOutputConfig } from '../../../../agent/outputs/http/config.ts';
import { HttpOutput } from '../../../../agent/outputs/http/output.ts';
import type { Batch, Outcome } from '../../../../agent/outputs/output.ts';
import { batchOf } from '../../support/batches.ts';
import { recordingTelemetry } from '../../support/telemetry.ts';
import { itemOf, type StreamEvent } from '../../../../agent/events/item.ts';

export const configOf = (more: object): HttpOutputConfig =>
  httpOutputSchema.parse({ type: 'http', name: 'soc', timeout: '5s', ...more });

/** An output that is open. */
export async function outputFor(url: string, more: object = {}) {
  const { telemetry, raised } = recordingTelemetry();
  const output = new HttpOutput(configOf({ url, ...more }), telemetry);
  await output.open();
  return Object.assign(output, { raised, [Symbol.asyncDispose]: () => output.close() });
}

/** Items as the delivery hands them over: in the output's format. */
export function batchFor(output: HttpOutput, items: readonly Item[], bootId = 'boot'): Batch {
  const lines = items.map((item) => {
    const pieces = output.format!.encode(item, { bootId }) as readonly Uint8Array[];
    return itemOf(JSON.parse(Buffer.concat([...pieces]).toString()) as StreamEvent);
  });
  return batchOf(bootId, lines);
}

/** Sends a batch as often as the output asks for it, at most `times`. @returns every outcome */
export async function sendUntilSettled(output: HttpOutput, batch: Batch, times = 5): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let i = 0; i < times && outcomes.at(-1)?.kind !== 'taken'; i++) outcomes.push(await output.send(batch));
  return outcomes;
}

export const emptyFolder = (): string => mkdtempSync(join(tmpdir(), 'probes-http-'));
