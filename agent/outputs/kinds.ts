import * as z from 'zod';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { fileOutputSchema } from './file/config.ts';
import { FileOutput } from './file/output.ts';
import type { Output } from './output.ts';
import { stdoutOutputSchema } from './stdout/config.ts';
import { StdoutOutput } from './stdout/output.ts';

/** Where an output writes, as something two outputs must not share, and the key that says so. */
interface Destination {
  id: string;
  key: string;
}

/** What an output type brings. To add one: a folder with its schema and its Output, and one line in `KINDS`. */
interface OutputKind<Schema extends z.ZodObject> {
  schema: Schema;
  create: (config: z.output<Schema>, telemetry: Telemetry) => Output;
  /** Gets the data as read, before validation; undefined when it names no place. */
  destination: (raw: Record<string, unknown>) => Destination | undefined;
}

const kind = <Schema extends z.ZodObject>(definition: OutputKind<Schema>): OutputKind<Schema> => definition;

const KINDS = {
  stdout: kind({
    schema: stdoutOutputSchema,
    create: (config) => new StdoutOutput(config),
    destination: () => ({ id: 'stdout', key: 'type' }),
  }),
  file: kind({
    schema: fileOutputSchema,
    create: (config, telemetry) => new FileOutput(config, telemetry),
    destination: ({ path }) => (typeof path === 'string' ? { id: `file ${path}`, key: 'path' } : undefined),
  }),
};

/** One entry of `outputs`: which keys it has follows from its `type`. */
export const outputSchema = z.discriminatedUnion('type', [KINDS.stdout.schema, KINDS.file.schema]);

export type OutputConfig = z.output<typeof outputSchema>;

/** Makes the output that an entry describes. Opens nothing. */
export function createOutput(config: OutputConfig, telemetry: Telemetry): Output {
  const { create } = KINDS[config.type] as OutputKind<z.ZodObject>;
  return create(config, telemetry);
}

/** The place that an entry of `outputs` writes to, before it was validated; undefined when it names none. */
export function destinationOf(raw: unknown): Destination | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const { type } = raw as { type?: unknown };
  return typeof type === 'string' && Object.hasOwn(KINDS, type)
    ? KINDS[type as keyof typeof KINDS].destination(raw as Record<string, unknown>)
    : undefined;
}
