import * as z from 'zod';
import { spoolSchema } from '../delivery/spool/config.ts';
import { containersSchema } from '../enrichment/containers/config.ts';
import { enrichmentSchema } from '../enrichment/config.ts';
import { filtersSchema, rulesSchema } from '../detection/config.ts';
import { outputSchema } from '../outputs/kinds.ts';
import { redactionSchema } from '../redaction/config.ts';
import type { Filter } from '../rules/filter.ts';
import { controlSchema } from '../control/config.ts';
import { dashboardSchema } from '../dashboard/config.ts';
import { metricsSchema } from '../metrics/config.ts';
import { storeSchema } from '../store/config.ts';
import { absolutePath, fitsSocket, MAX_SOCKET_PATH_BYTES } from '../values/paths.ts';
import { placesOf } from './places.ts';
import { duration } from '../values/quantities.ts';

/** The path of the helper's socket in the packages. */
export const DEFAULT_SOCKET = placesOf(process.platform).socket;

const source = z.strictObject({
  socket: absolutePath
    .refine(fitsSocket, {
      error: `expected a path of at most ${MAX_SOCKET_PATH_BYTES} bytes, which is what a Unix socket can have`,
    })
    .default(DEFAULT_SOCKET)
    .meta({ description: "The helper's Unix socket. It and its folder must belong to root." }),
});

const log = z.strictObject({
  level: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .meta({ description: 'The least severe message that the agent writes to standard error.' }),
});

/**
 * The whole configuration file: the single source for validation, for the
 * types and for the JSON Schema that editors read. Every object is strict, so
 * that a misspelled key is an error instead of having no effect.
 */
export const configSchema = z.strictObject({
  source: source.prefault({}).meta({ description: 'Where events come from.' }),
  filters: filtersSchema,
  rules: rulesSchema.optional().meta({ description: 'Sigma rules. Left out: none are used.' }),
  redaction: redactionSchema.prefault({}).meta({ description: 'Which secrets do not reach outputs.' }),
  containers: containersSchema
    .prefault({})
    .meta({ description: 'Where names of containers are asked for. Left out: nowhere.' }),
  spool: spoolSchema.optional().meta({
    description: 'Keeps undelivered events of network outputs on disk. Without it, they wait in memory.',
  }),
  enrichment: enrichmentSchema.prefault({}).meta({ description: 'How the facts are found that outputs ask for.' }),
  outputs: z
    .array(outputSchema, { error: (issue) => (issue.input === undefined ? undefined : 'expected a list of outputs') })
    .min(1, { error: 'expected at least one output' })
    .max(64, { error: 'expected at most 64 outputs' })
    .meta({ description: 'Where events go. None can hold up another.' }),
  store: storeSchema.optional().meta({
    description: 'Keeps events in a database on this machine, for probes-agent query. Left out: none is kept.',
  }),
  metrics: metricsSchema.optional().meta({ description: 'Metrics and health over HTTP. Left out: none.' }),
  control: controlSchema.optional().meta({
    description: 'A socket to look into the running agent: probes-agent tail, status and top use it. Left out: none.',
  }),
  dashboard: dashboardSchema.optional().meta({
    description: 'A page for a browser on this machine; needs "control". Left out: none.',
  }),
  log: log.prefault({}).meta({ description: "The agent's own messages, which never mix with events." }),
  shutdown_timeout: duration({
    min: '100ms',
    max: '10m',
    byDefault: '5s',
    description: 'How long outputs may take to write queued events when the agent stops.',
  }),
});

/** A loaded configuration with its filters compiled. */
export interface Config extends Omit<z.output<typeof configSchema>, 'filters'> {
  filters: readonly Filter[];
}
