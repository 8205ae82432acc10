import test from 'ava';
import type { OutputReport } from '../../../agent/delivery/deliveries.ts';
import { healthOf, readinessOf } from '../../../agent/metrics/health.ts';
import { HELPER_AWAY_MS, OLDEST_MS, OUTPUT_DOWN_MS } from '../../../agent/metrics/limits.ts';
import { SourceState } from '../../../agent/source/source-state.ts';
import { HEARTBEAT_EXAMPLE } from '../../../shared/events/heartbeat.ts';
import { HELLO_EXAMPLE } from '../../../shared/events/hello.ts';
import { outputReport } from '../support/output-report.ts';

function view({ awayMs = 0, silent = false, reports = [outputReport({})] }) {
  const source = { awayMs, silent, isConnected: awayMs === 0 } as SourceState;
  return { source, deliveries: { reports } };
}

test('a helper that is away is unhealthy after a while, not at once', (t) => {
  t.deepEqual(healthOf(view({ awayMs: HELPER_AWAY_MS - 1 })), { status: 'ok', problems: [] });
  t.deepEqual(healthOf(view({ awayMs: HELPER_AWAY_MS + 700 })), {
    status: 'failing',
    problems: [{ what: 'helper', reason: 'not connected for 15 s' }],
  });
});

test('a helper that takes connections and stays silent is unhealthy until it sends a heartbeat', (t) => {
  const source = new SourceState();
  const health = () => healthOf({ source, deliveries: { reports: [] } }).problems.map(({ what }) => what);
  source.connected(HELLO_EXAMPLE);
  t.deepEqual(health(), []);
  source.fellSilent();
  source.disconnected();
  source.connected(HELLO_EXAMPLE);
  t.deepEqual(health(), ['helper']);
  source.beat(HEARTBEAT_EXAMPLE);
  t.deepEqual(health(), []);
});

test('an output is stuck when it is down for long, or its oldest record waits for long', (t) => {
  const reasons = (overrides: Partial<OutputReport>): unknown[] =>
    healthOf(view({ reports: [outputReport({}), outputReport({ name: 'soc', ...overrides })] })).problems.map(
      ({ what, reason }) => `${what}: ${reason}`,
    );
  t.deepEqual(reasons({ downMs: OUTPUT_DOWN_MS - 1, oldestMs: OLDEST_MS - 1 }), []);
  t.deepEqual(reasons({ downMs: OUTPUT_DOWN_MS }), ['output soc: not up for 60 s']);
  t.deepEqual(reasons({ oldestMs: OLDEST_MS }), ['output soc: its oldest record has waited for 300 s']);
});

test('ready is: connected, and every output up, now', (t) => {
  t.is(readinessOf(view({})).status, 'ok');
  t.is(readinessOf(view({ awayMs: 1 })).status, 'failing');
  t.is(readinessOf(view({ reports: [] })).status, 'failing');
  t.deepEqual(readinessOf(view({ reports: [outputReport({}), outputReport({ name: 'soc', downMs: 1 })] })).problems, [
    { what: 'output soc', reason: 'not up' },
  ]);
});
