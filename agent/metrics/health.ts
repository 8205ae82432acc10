import type { OutputReport } from '../delivery/deliveries.ts';
import { HELPER_AWAY_MS, OLDEST_MS, OUTPUT_DOWN_MS } from './limits.ts';
import type { View } from './view.ts';

/** One reason why the agent does not do its work. */
interface Trouble {
  /** `helper`, or `output` and its name. */
  readonly what: string;
  readonly reason: string;
}

export interface Health {
  readonly status: 'ok' | 'failing';
  readonly problems: readonly Trouble[];
}

/** Whether events flow: a person is needed when they do not. Short troubles, such as a restart of the helper, are none. */
export function healthOf({ source, deliveries }: Pick<View, 'source' | 'deliveries'>): Health {
  const problems: Trouble[] = [];
  if (source.awayMs >= HELPER_AWAY_MS)
    problems.push({ what: 'helper', reason: `not connected for ${seconds(source.awayMs)}` });
  else if (source.silent)
    problems.push({
      what: 'helper',
      reason: 'silent: no heartbeat since it stopped to send, though it can be connected to',
    });
  return verdict([...problems, ...deliveries.reports.flatMap(stuck)]);
}

/** Whether everything is in place at this moment: connected to the helper, every output open and at work. */
export function readinessOf({ source, deliveries }: Pick<View, 'source' | 'deliveries'>): Health {
  const outputs = deliveries.reports;
  return verdict([
    ...(source.isConnected ? [] : [{ what: 'helper', reason: 'not connected' }]),
    ...(outputs.length > 0 ? [] : [{ what: 'outputs', reason: 'not open' }]),
    ...outputs.filter(({ downMs }) => downMs > 0).map(({ name }) => ({ what: `output ${name}`, reason: 'not up' })),
  ]);
}

function stuck({ name, downMs, oldestMs }: OutputReport): Trouble[] {
  const what = `output ${name}`;
  if (downMs >= OUTPUT_DOWN_MS) return [{ what, reason: `not up for ${seconds(downMs)}` }];
  if (oldestMs >= OLDEST_MS) return [{ what, reason: `its oldest record has waited for ${seconds(oldestMs)}` }];
  return [];
}

const verdict = (problems: readonly Trouble[]): Health => ({
  status: problems.length === 0 ? 'ok' : 'failing',
  problems,
});

const seconds = (ms: number): string => `${Math.floor(ms / 1000)} s`;
