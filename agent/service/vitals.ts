import type { Deliveries, OutputReport } from '../delivery/deliveries.ts';
import type { SourceState } from '../source/source-state.ts';

/** The parts of the agent from which reports to the service manager are made. */
export interface Vitals {
  readonly source: Pick<SourceState, 'isConnected' | 'awayMs' | 'silentMs' | 'received'>;
  readonly deliveries: Pick<Deliveries, 'reports'>;
}

/**
 * How long the helper may take connections and send nothing, in milliseconds. It is noticed after three heartbeats; this is
 * for what only a restart may mend.
 */
export const HELPER_SILENT_MS = 300_000;

/**
 * Why the agent does no work that it should do, so that it has to be restarted. A receiver that is away, a helper that does not
 * run and a reader that pauses are no reasons: the agent waits for them.
 */
export function hindrancesOf({ source, deliveries }: Vitals): string[] {
  return [
    ...(source.silentMs >= HELPER_SILENT_MS
      ? [`the helper has been silent for ${seconds(source.silentMs)}, though it takes connections`]
      : []),
    ...deliveries.reports
      .filter(({ stuckMs }) => stuckMs > 0)
      .map(({ name, stuckMs }) => `output ${name} has been stuck for ${seconds(stuckMs)}`),
  ];
}

/** One line for people who ask the service manager: the helper, the flow of events, and outputs that are not up. */
export class StatusLine {
  #events = 0;
  #at = performance.now();

  /** @param now on the clock of `performance.now` */
  of(vitals: Vitals, now = performance.now()): string {
    const { source, deliveries } = vitals;
    const events = Object.values(source.received).reduce((sum, count) => sum + count, 0);
    const rate = (events - this.#events) / Math.max(0.001, (now - this.#at) / 1000);
    this.#events = events;
    this.#at = now;
    const { reports } = deliveries;
    const down = reports.filter(({ downMs }) => downMs > 0);
    return [
      source.isConnected ? `connected to the helper` : `not connected to the helper for ${seconds(source.awayMs)}`,
      `${rate.toFixed(rate < 10 ? 1 : 0)} events/s`,
      down.length === 0 ? `${reports.length} outputs up` : down.map(describe).join(', '),
      ...hindrancesOf(vitals),
    ].join('; ');
  }
}

const describe = ({ name, downMs, lagRecords }: OutputReport): string =>
  `output ${name} not up for ${seconds(downMs)}, ${lagRecords} records behind`;

const seconds = (ms: number): string => `${Math.floor(ms / 1000)} s`;
