import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { itemOf, type Item } from '../../../../agent/events/item.ts';
import { formatOf } from '../../../../agent/formats/choice.ts';
import type { FormatName } from '../../../../agent/formats/config.ts';
import type { Format } from '../../../../agent/formats/format.ts';
import type { Identity } from '../../../../agent/formats/identified.ts';
import { otlpOutputSchema, type OtlpOutputConfig } from '../../../../agent/outputs/otlp/config.ts';
import { OtlpOutput } from '../../../../agent/outputs/otlp/output.ts';
import type { Batch } from '../../../../agent/outputs/output.ts';
import type { Platform } from '../../../../agent/values/platform.ts';
import { recordingTelemetry } from '../../support/telemetry.ts';

export const IDENTITY: Identity = { hostId: 'a'.repeat(32), host: 'walrus', stream: 'soc', platform: 'linux' };

export interface From {
  readonly bootId?: string | undefined;
  readonly seal?: number | undefined;
}

/** A batch of events as the delivery makes it: lines in a format, and the numbers that they stand for. */
export function encoded(format: Format, items: readonly Item[], { bootId = 'boot', seal }: From = {}): Batch {
  const lines = items.map((item) => {
    const line = format.encode(item, { bootId, seal });
    const pieces = typeof line === 'string' ? [Buffer.from(line)] : [...line].map((piece) => Buffer.from(piece));
    return Buffer.concat([...pieces, Buffer.from('\n')]);
  });
  let at = 0;
  const ends = lines.map(({ length }) => (at += length));
  return {
    lines: Buffer.concat(lines),
    records: lines.length,
    bootId,
    first: items[0]!.first,
    last: items.at(-1)!.last,
    endOf: (i) => ends[i]!,
    numbersOf: (i) => items[i]!,
    isGap: (i) => items[i]!.gap !== undefined,
    stillWorking: () => undefined,
  };
}

/** The same for events, in a format by its name. */
export async function linesOf(
  events: readonly object[],
  name: FormatName = 'native',
  from: From & { platform?: Platform } = {},
) {
  const { platform = 'linux' } = from;
  return encoded(
    await formatOf(name, { ...IDENTITY, platform }),
    events.map((event) => itemOf(event as never)),
    from,
  );
}

export const configOf = (more: object): OtlpOutputConfig =>
  otlpOutputSchema.parse({ type: 'otlp', name: 'soc', timeout: '5s', ...more });

/** An output that is open. */
export async function outputFor(url: string, more: object = {}) {
  const { telemetry, raised } = recordingTelemetry();
  const output = new OtlpOutput(configOf({ url, ...more }), telemetry);
  await output.open();
  return Object.assign(output, { raised, [Symbol.asyncDispose]: () => output.close() });
}

export const batchFor = (output: OtlpOutput, items: readonly Item[], from: From = {}): Batch =>
  encoded(output.format!, items, from);

export const emptyFolder = (): string => mkdtempSync(join(tmpdir(), 'probes-otlp-'));
