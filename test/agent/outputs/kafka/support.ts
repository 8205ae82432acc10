import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { itemOf, type Item, type StreamEvent } from '../../../../agent/events/item.ts';
import { kafkaOutputSchema } from '../../../../agent/outputs/kafka/config.ts';
import { KafkaOutput } from '../../../../agent/outputs/kafka/output.ts';
import type { Batch } from '../../../../agent/outputs/output.ts';
import { batchOf } from '../../support/batches.ts';
import { recordingTelemetry } from '../../support/telemetry.ts';

/** An output that is open. */
export async function outputFor(brokers: string | readonly string[], more: object = {}) {
  const { telemetry, raised } = recordingTelemetry();
  const config = { type: 'kafka', name: 'soc', topic: 'events', timeout: '5s', brokers: [brokers].flat(), ...more };
  const output = new KafkaOutput(kafkaOutputSchema.parse(config), telemetry);
  await output.open();
  return Object.assign(output, { raised, [Symbol.asyncDispose]: () => output.close() });
}

/** Items as the delivery hands them over: in the output's format. @param seals of the items, where they are sealed */
export function batchFor(
  output: KafkaOutput,
  items: readonly Item[],
  bootId = 'boot',
  seals: ReadonlyArray<number | undefined> = [],
): Batch {
  const lines = items.map((item, i) => {
    const pieces = output.format!.encode(item, { bootId, seal: seals[i] }) as readonly Uint8Array[];
    return itemOf(JSON.parse(Buffer.concat([...pieces]).toString()) as StreamEvent);
  });
  return batchOf(bootId, lines);
}

/** Sends a batch once. @returns `taken`, or the reason why not */
export async function sent(output: KafkaOutput, items: readonly Item[]): Promise<string> {
  const outcome = await output.send(batchFor(output, items));
  return outcome.kind === 'taken' ? 'taken' : outcome.reason;
}

export const emptyFolder = (): string => mkdtempSync(join(tmpdir(), 'probes-kafka-'));

/** A file in a folder of its own. */
export function file(content: string): string {
  const path = join(emptyFolder(), 'secret');
  writeFileSync(path, content);
  return path;
}
