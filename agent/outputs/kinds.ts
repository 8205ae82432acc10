import * as z from 'zod';
import type { FactName } from '../events/facts.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { elasticsearch } from './elasticsearch/kind.ts';
import { file } from './file/kind.ts';
import { http } from './http/kind.ts';
import { kafka } from './kafka/kind.ts';
import type { Destination, OutputKind } from './kind.ts';
import { loki } from './loki/kind.ts';
import { nats } from './nats/kind.ts';
import { otlp } from './otlp/kind.ts';
import type { Output } from './output.ts';
import type { Probed } from './probe.ts';
import { stdout } from './stdout/kind.ts';
import { store, type StoreOutputConfig } from './store/kind.ts';
import { syslog } from './syslog/kind.ts';

/** Every type of output that `outputs` can name. To add one: a folder, and its name here. */
const KINDS = [stdout, file, http, syslog, nats, kafka, otlp, elasticsearch, loki] as const;

type Schemas<Kinds> = { [I in keyof Kinds]: Kinds[I] extends { schema: infer Schema } ? Schema : never };

/** One entry of `outputs`: which keys it has follows from its `type`. */
export const outputSchema = z.discriminatedUnion(
  'type',
  KINDS.map(({ schema }) => schema) as unknown as Schemas<typeof KINDS>,
);

/** An output: an entry of `outputs`, or the one that `store` makes. */
export type OutputConfig = z.output<typeof outputSchema> | StoreOutputConfig;

/** The facts that go into the lines of an output. */
export function factsOf(config: OutputConfig): readonly FactName[] {
  return (config.type === 'store' ? undefined : config.enrich) ?? [];
}

/** Makes the output that an entry describes. Opens nothing. */
export function createOutput(config: OutputConfig, telemetry: Telemetry): Promise<Output> {
  return kindOf(config.type)!.create(config, telemetry);
}

/** Whether the output that an entry describes uses the spool. */
export function isSpooled(config: OutputConfig): boolean {
  return kindOf(config.type)?.spooled === true;
}

/** Connects as the output would that an entry describes, and sends no event. @returns undefined where there is nobody to connect to */
export async function probeOutput(config: OutputConfig): Promise<Probed | undefined> {
  return kindOf(config.type)?.probe?.(config as never);
}

/** The promise that an output cannot keep as it is configured, if there is one. */
export function weaknessOf(config: OutputConfig): string | undefined {
  return kindOf(config.type)?.weakness?.(config);
}

/** Whether the output that an entry describes makes seals, provided that what is kept of them is: by its own bookmark or by a spool. */
export function isSealed(config: OutputConfig): boolean {
  return kindOf(config.type)?.sealed?.(config as never) === true;
}

/** The place that an entry of `outputs` writes to, before it was validated; undefined when it names none. */
export function destinationOf(raw: unknown): Destination | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  return kindOf((raw as { type?: unknown }).type)?.destination(raw as Record<string, unknown>);
}

/** The same, and every further place that it writes to. */
export function placesOf(raw: unknown): Destination[] {
  if (typeof raw !== 'object' || raw === null) return [];
  const further = kindOf((raw as { type?: unknown }).type)?.alsoWrites?.(raw as Record<string, unknown>);
  return [destinationOf(raw), further].filter((place) => place !== undefined);
}

function kindOf(type: unknown): OutputKind<z.ZodObject> | undefined {
  const kinds = [...KINDS, store] as unknown as ReadonlyArray<OutputKind<z.ZodObject>>;
  return kinds.find(({ schema }) => (schema.shape['type'] as z.ZodLiteral).value === type);
}
