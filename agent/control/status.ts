import { VERSION } from '../../shared/version.ts';
import { lstatSync } from 'node:fs';
import type { Deliveries, OutputReport } from '../delivery/deliveries.ts';
import type { Detection } from '../detection/detection.ts';
import { healthOf } from '../metrics/health.ts';
import type { View } from '../metrics/view.ts';
import type { Recent } from '../recent/recent.ts';
import type { Tallies } from './tallies.ts';

/** Everything that people who look into the agent can see. Nothing is copied until somebody asks. */
export interface Sight extends View {
  readonly deliveries: Pick<Deliveries, 'reports' | 'spool'>;
  readonly rules: Pick<Detection, 'inForce'>;
  readonly recent: Recent;
  readonly tallies: () => Tallies;
  /** The configuration file in force: its path, and its hash where it was read from a file. */
  readonly config: () => { readonly file: string | undefined; readonly sha256: string | undefined };
  /** The path of the helper's socket. */
  readonly helperSocket: () => string;
}

/** One screen of facts: what `probes-agent status` shows. */
export function statusOf(sight: Sight): Record<string, unknown> {
  const { status, problems } = healthOf(sight);
  const { detection, source, log, recent } = sight;
  const { numbers, rates } = sight.tallies();
  const { user, system } = process.cpuUsage();
  return {
    healthy: status === 'ok',
    problems,
    agent: {
      version: VERSION,
      pid: process.pid,
      uid: process.getuid?.(),
      started: new Date(performance.timeOrigin).toISOString(),
      config: sight.config(),
      cpu_seconds: (user + system) / 1e6,
      memory_bytes: process.memoryUsage.rss(),
      log_bytes: log.memoryBytes,
      recent_bytes: recent.memoryBytes,
    },
    helper: helperOf(sight),
    received: source.received,
    ...(numbers.counts && { numbers: numbers.counts }),
    filtered: detection.dropped,
    alerts: detection.alerts,
    suppressed: detection.suppressed,
    unjudged: detection.unjudged + detection.failed,
    rates: rates.seconds,
    gaps: gapsOf(sight),
    outputs: outputsOf(sight),
    ...spoolOf(sight),
    ...factsOf(sight),
    rules: { hits: hitsOf(sight).slice(0, 20), ...rulesOf(sight).counts },
  };
}

function spoolOf({ deliveries: { spool } }: Sight): Record<string, unknown> {
  if (spool === undefined) return {};
  const { folder, bytes, maxBytes, unwritten } = spool;
  return { spool: { folder, bytes, max_bytes: maxBytes, unwritten_records: unwritten } };
}

/** Facts that outputs ask for; nothing where none has asked. */
function factsOf({ detection: { facts }, log }: Sight): Record<string, unknown> {
  if (facts.events === 0) return {};
  return {
    facts: {
      events: facts.events,
      left_out: { memory: log.withoutFacts, defect: facts.failed },
      memory_bytes: log.factBytes,
      hashes: Object.fromEntries(facts.hashes),
    },
  };
}

/** When the helper made its socket, which it does at its start; undefined where there is none to see. */
function startOf(socket: string): string | undefined {
  try {
    return lstatSync(socket).mtime.toISOString();
  } catch {
    return undefined;
  }
}

function helperOf({ source, helperSocket }: Sight): Record<string, unknown> {
  const { hello, heartbeat, heardAt, isConnected, silent, awayMs, connections } = source;
  return {
    connected: isConnected,
    silent,
    connections,
    ...(isConnected ? { started: startOf(helperSocket()) } : {}),
    ...(isConnected ? {} : { away_seconds: Math.round(awayMs / 1000) }),
    ...(heardAt === undefined ? {} : { last_line_seconds: (performance.now() - heardAt) / 1000 }),
    ...(hello && {
      version: hello.helper,
      platform: hello.platform,
      source: hello.source,
      boot_id: hello.boot_id,
      first_seq: hello.first_seq,
      probe_sha256: hello.probe_sha256,
      programs: hello.programs,
      privileges: hello.privileges,
      said_hello: hello.time,
    }),
    ...(heartbeat && {
      kernel_count: heartbeat.kernel_count,
      kernel_lost: heartbeat.kernel_lost,
      last_seq: heartbeat.last_seq,
    }),
  };
}

/** Numbers that the stream lacks, by hop and cause, and the newest gaps. Outputs can lack more: they say so themselves. */
export function gapsOf({ tallies, deliveries }: Sight): Record<string, unknown> {
  const { gaps } = tallies();
  const lost = deliveries.reports.flatMap(({ name, counters }) => [
    ...[...counters.missedByCause].map((missed) => ({ output: name, ...missed })),
    ...own(name, 'queue_full', counters.overtaken),
    ...own(name, 'rejected', counters.rejected),
  ]);
  return { lost: gaps.lost, by_output: lost, newest: gaps.newest };
}

const own = (output: string, cause: string, count: number): Array<Record<string, unknown>> =>
  count === 0 ? [] : [{ output, hop: 'output', cause, count }];

/** Each output, how far behind it is, and what went wrong last. */
export const outputsOf = ({ deliveries }: Sight): Array<Record<string, unknown>> => deliveries.reports.map(outputOf);

function outputOf({ name, type, counters, ...report }: OutputReport): Record<string, unknown> {
  return {
    name,
    type,
    up: report.downMs === 0,
    ...(report.downMs === 0 ? {} : { down_seconds: Math.round(report.downMs / 1000) }),
    lag: { records: report.lagRecords, bytes: report.lagBytes, oldest_seconds: report.oldestMs / 1000 },
    taken: counters.taken,
    seals: counters.seals,
    retries: counters.retries,
    refused: counters.refused,
    unnumbered_lost: counters.unnumbered,
    not_alerts: counters.notAlerts,
    ...(report.seal && { seal: report.seal }),
    ...(report.lastError && {
      last_error: { reason: report.lastError.reason, time: report.lastError.time.toISOString() },
    }),
  };
}

/** The rules in force with their matches, and the filters with their decisions. */
export function rulesOf(sight: Sight): { counts: Record<string, number>; [key: string]: unknown } {
  const { filters, set } = sight.rules.inForce;
  const { filters: decisions, rules: matches } = sight.detection;
  const rules = [...(set?.rules ?? []), ...(set?.correlations ?? [])];
  return {
    counts: {
      loaded: rules.length,
      refused: set?.refused.length ?? 0,
      skipped: set?.skipped.length ?? 0,
      filters: filters.length,
    },
    rules: rules.map(({ id, title, level, file }) => ({ id, title, level, file, matches: matches.get(id) ?? 0 })),
    filters: filters.map(({ name, action }) => ({ name, action, decisions: decisions.get(name) ?? 0 })),
    refused: (set?.refused ?? []).map(({ file, title }) => ({ file, title })),
  };
}

/** Rules that matched, the most frequent first. */
function hitsOf({ rules, detection }: Sight): Array<Record<string, unknown>> {
  const { set } = rules.inForce;
  const titles = new Map([...(set?.rules ?? []), ...(set?.correlations ?? [])].map(({ id, title }) => [id, title]));
  return [...detection.rules]
    .toSorted((a, b) => b[1] - a[1])
    .map(([id, matches]) => ({ id, title: titles.get(id), level: detection.levels.get(id), matches }));
}
