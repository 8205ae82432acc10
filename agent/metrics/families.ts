import { VERSION } from '../../shared/version.ts';
import type { OutputReport } from '../delivery/deliveries.ts';
import { OTHERS } from '../detection/counters.ts';
import { NAME_RESULTS } from '../enrichment/containers/names.ts';
import { HASH_RESULTS } from '../enrichment/hashing/hashes.ts';
import { INTERNAL_EVENTS, type InternalEventName } from '../telemetry/internal-events.ts';
import { MAX_NAMES } from './limits.ts';
import type { Family, Labels, Sample } from './text.ts';
import type { View } from './view.ts';

const NO_LABELS: Labels = {};

/** Every metric there is, as it stands now. Names never change their meaning; docs/metrics.md has them all. */
export function familiesOf(view: View): Family[] {
  const outputs = view.deliveries.reports;
  return [
    ...agentFamilies(view),
    ...sourceFamilies(view),
    ...detectionFamilies(view),
    ...factFamilies(view),
    ...outputFamilies(view, outputs),
  ];
}

const counter = (name: string, help: string, ...samples: readonly Sample[]): Family => ({
  name,
  type: 'counter',
  help,
  samples,
});
const gauge = (name: string, help: string, ...samples: readonly Sample[]): Family => ({
  name,
  type: 'gauge',
  help,
  samples,
});
const plain = (value: number | undefined): Sample => [NO_LABELS, value];

function agentFamilies({ telemetry, log }: View): Family[] {
  const { user, system } = process.cpuUsage();
  const events = Object.keys(INTERNAL_EVENTS) as InternalEventName[];
  return [
    gauge('probes_build_info', 'Always 1; the labels say which agent this is.', [
      { version: VERSION, platform: process.platform, arch: process.arch, node: process.versions.node },
      1,
    ]),
    counter('process_cpu_seconds_total', 'Processor time of the agent, user and system.', plain((user + system) / 1e6)),
    gauge('process_resident_memory_bytes', 'Memory of the agent that is in RAM.', plain(process.memoryUsage.rss())),
    gauge('process_start_time_seconds', 'When the agent was started, Unix time.', plain(performance.timeOrigin / 1000)),
    gauge('probes_log_memory_bytes', 'Memory of the log that all outputs read.', plain(log.memoryBytes)),
    counter(
      'probes_internal_events_total',
      'What the agent said about itself, by the name in its log, lines that were left out included.',
      ...events.map((event): Sample => [{ event }, telemetry.countOf(event)]),
    ),
  ];
}

function sourceFamilies({ source }: View): Family[] {
  const { received, hello, heartbeat, heardAt, connections, isConnected } = source;
  return [
    counter(
      'probes_events_received_total',
      'New lines of the helper by type, before filters. Replays of what was known are not counted.',
      ...Object.entries(received).map(([type, count]): Sample => [{ type }, count]),
    ),
    gauge('probes_helper_connected', 'Whether the agent is connected to the helper.', plain(Number(isConnected))),
    counter(
      'probes_helper_connections_total',
      'Connections on which the helper introduced itself.',
      plain(connections),
    ),
    gauge(
      'probes_helper_last_line_seconds',
      'Seconds since the helper sent a line, heartbeats included.',
      plain(heardAt === undefined ? undefined : (performance.now() - heardAt) / 1000),
    ),
    gauge('probes_helper_info', 'Always 1; the labels say which helper it is.', [
      hello === undefined ? {} : { version: hello.helper, source: hello.source, boot_id: hello.boot_id },
      hello && 1,
    ]),
    counter(
      'probes_kernel_events_total',
      'Events that the kernel has counted since the probe was loaded, as the newest heartbeat says.',
      plain(heartbeat?.kernel_count),
    ),
    counter(
      'probes_kernel_events_lost_total',
      'Of those, events that the kernel had no room for, as the newest heartbeat says.',
      plain(heartbeat?.kernel_lost),
    ),
  ];
}

function detectionFamilies({ detection }: View): Family[] {
  return [
    counter('probes_events_judged_total', 'Exec events that filters and rules looked at.', plain(detection.judged)),
    counter(
      'probes_events_unjudged_total',
      'Events that went on as they were: judging them would have taken too long, or a defect showed.',
      [{ cause: 'over_budget' }, detection.unjudged],
      [{ cause: 'defect' }, detection.failed],
    ),
    counter(
      'probes_filter_decisions_total',
      'Events that a filter decided on, kept or dropped.',
      ...named(detection.filters, (filter) => ({ filter })),
    ),
    counter(
      'probes_container_names_total',
      'Names of containers: answers of engines (found, unknown, failed), and events that went on without (late, skipped).',
      ...NAME_RESULTS.map((result): Sample => [{ result }, detection.containerNames.get(result) ?? 0]),
    ),
    counter('probes_alerts_total', 'Events that became alerts.', plain(detection.alerts)),
    counter(
      'probes_alerts_suppressed_total',
      'Matches of rules that suppression held back.',
      plain(detection.suppressed),
    ),
    counter(
      'probes_rule_matches_total',
      'Matches by rule, those that were held back included.',
      ...named(detection.rules, (rule) => ({ rule, level: detection.levels.get(rule) ?? '' })),
    ),
  ];
}

function factFamilies({ detection: { facts }, log }: View): Family[] {
  return [
    counter(
      'probes_facts_events_total',
      'Events that facts were looked for, since an output asks.',
      plain(facts.events),
    ),
    counter(
      'probes_facts_left_out_total',
      'Events that went to outputs without their facts: there was no memory for them, or a defect showed.',
      [{ cause: 'memory' }, log.withoutFacts],
      [{ cause: 'defect' }, facts.failed],
    ),
    gauge('probes_facts_memory_bytes', 'Memory of facts on their way to outputs.', plain(log.factBytes)),
    counter(
      'probes_hashes_total',
      'Hashes of images that outputs asked for, an event each, by what became of them.',
      ...HASH_RESULTS.map((result): Sample => [{ result }, facts.hashes.get(result) ?? 0]),
    ),
  ];
}

/** A series for each of the first names, which stay the same, and one for all others. */
function named(counts: ReadonlyMap<string, number>, labelsOf: (name: string) => Labels): Sample[] {
  return [...counts].map(([name, count], i) => [labelsOf(i < MAX_NAMES ? name : OTHERS), count]);
}

function outputFamilies({ detection }: View, outputs: readonly OutputReport[]): Family[] {
  const each = (value: (report: OutputReport) => number): Sample[] =>
    outputs.map((report) => [{ output: report.name }, value(report)]);
  return [
    counter(
      'probes_events_dropped_total',
      'Events that an output does not get: losses, as its gaps say, and what was left out on purpose (intentional).',
      [droppedLabels('filter', 'filter', '', true), detection.dropped],
      ...outputs.flatMap(dropsOf),
    ),
    counter(
      'probes_events_unnumbered_lost_total',
      'Lost events without a number, which no gap can name.',
      ...each(({ counters }) => counters.unnumbered),
    ),
    counter(
      'probes_output_records_total',
      'Records that the output took, gaps included.',
      ...each(({ counters }) => counters.taken),
    ),
    counter('probes_output_seals_total', 'Seals that the output took.', ...each(({ counters }) => counters.seals)),
    counter(
      'probes_output_retries_total',
      'Attempts to open or to send that failed.',
      ...each(({ counters }) => counters.retries),
    ),
    counter(
      'probes_output_refused_total',
      'Records that the receiver will never take.',
      ...each(({ counters }) => counters.refused),
    ),
    gauge(
      'probes_output_up',
      'Whether the output is open and its last attempt worked.',
      ...each(({ downMs }) => Number(downMs === 0)),
    ),
    gauge(
      'probes_output_lag_bytes',
      'Bytes of the records that the output does not have yet.',
      ...each(({ lagBytes }) => lagBytes),
    ),
    gauge(
      'probes_output_lag_records',
      'Records that the output does not have yet.',
      ...each(({ lagRecords }) => lagRecords),
    ),
    gauge(
      'probes_output_oldest_age_seconds',
      'Seconds since the oldest of them came to the agent; 0 when there is none.',
      ...each(({ oldestMs }) => oldestMs / 1000),
    ),
  ];
}

function dropsOf({ name, counters }: OutputReport): Sample[] {
  return [
    ...[...counters.missedByCause].map(({ hop, cause, count }): Sample => [
      droppedLabels(hop, cause, name, false),
      count,
    ]),
    [droppedLabels('output', 'queue_full', name, false), counters.overtaken],
    [droppedLabels('output', 'rejected', name, false), counters.rejected],
    [droppedLabels('output', 'not_an_alert', name, true), counters.notAlerts],
  ];
}

const droppedLabels = (hop: string, cause: string, output: string, intentional: boolean): Labels => ({
  hop,
  cause,
  output,
  intentional: String(intentional),
});
