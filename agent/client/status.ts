import * as z from 'zod';
import { AgentError } from '../errors.ts';
import type { ControlClient } from './client.ts';

const count = z.number().min(0);
const seconds = z.array(count).max(3600);

/** The part of `/v1/status` that commands use. Parts that an agent of another version writes in another way are left out. */
const statusSchema = z.object({
  healthy: z.boolean(),
  problems: z.array(z.object({ what: z.string(), reason: z.string() })),
  agent: z.object({
    version: z.string(),
    pid: count,
    uid: count.optional(),
    started: z.string(),
    config: z.object({ file: z.string().optional(), sha256: z.string().optional() }),
    cpu_seconds: count,
    memory_bytes: count,
  }),
  helper: z.object({
    connected: z.boolean(),
    silent: z.boolean(),
    connections: count,
    away_seconds: count.optional(),
    started: z.string().optional(),
    last_line_seconds: count.optional(),
    version: z.string().optional(),
    platform: z.string().optional(),
    source: z.string().optional(),
    boot_id: z.string().optional(),
    probe_sha256: z.string().optional(),
    privileges: z
      .object({
        uid: z.number().optional(),
        capabilities: z.string().optional(),
        no_new_privs: z.boolean().optional(),
        seccomp: z.number().optional(),
        landlock: z.number().optional(),
        integrity_level: z.string().optional(),
      })
      .optional(),
    kernel_count: count.optional(),
    kernel_lost: count.optional(),
    last_seq: z.number().optional(),
    first_seq: z.number().optional(),
  }),
  received: z.record(z.string(), count),
  numbers: z.object({ boot_id: z.string(), first: count, through: z.number(), events: count, lost: count }).optional(),
  filtered: count,
  alerts: count,
  suppressed: count,
  unjudged: count,
  rates: z.object({ events: seconds, alerts: seconds, lost: seconds }),
  gaps: z.object({
    lost: count,
    by_output: z.array(z.object({ output: z.string(), hop: z.string(), cause: z.string(), count })),
  }),
  outputs: z.array(
    z.object({
      name: z.string(),
      type: z.string(),
      up: z.boolean(),
      down_seconds: count.optional(),
      lag: z.object({ records: count, bytes: count, oldest_seconds: count }),
      taken: count,
      seals: count,
      seal: z.object({ number: count, through: z.number() }).optional(),
      last_error: z.object({ reason: z.string(), time: z.string() }).optional(),
    }),
  ),
  facts: z
    .object({
      events: count,
      left_out: z.object({ memory: count, defect: count }),
      memory_bytes: count,
      hashes: z.record(z.string(), count),
    })
    .optional(),
  spool: z.object({ folder: z.string(), bytes: count, max_bytes: count, unwritten_records: count }).optional(),
  rules: z.object({
    loaded: count,
    refused: count,
    skipped: count,
    filters: count,
    hits: z.array(
      z.object({ id: z.string(), title: z.string().optional(), level: z.string().optional(), matches: count }),
    ),
  }),
  readers: count,
});

export type AgentStatus = z.output<typeof statusSchema>;

/**
 * Reads what an agent says of itself.
 * @throws {AgentError} CONTROL_UNREACHABLE when it is no such answer
 */
export function readStatus(value: unknown, path: string): AgentStatus {
  const { success, data, error } = statusSchema.safeParse(value);
  if (success) return data;
  const place = error.issues[0]?.path.join('.') ?? '';
  throw new AgentError(
    'CONTROL_UNREACHABLE',
    `${path}: the status cannot be read (${place}); use the probes-agent of the same version as the agent that runs`,
  );
}

/** @throws as `ControlClient.get` and `readStatus` */
export async function statusOf(client: ControlClient): Promise<AgentStatus> {
  return readStatus(await client.get('/v1/status'), client.path);
}
