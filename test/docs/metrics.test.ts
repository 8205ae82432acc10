import { readFileSync } from 'node:fs';
import test from 'ava';
import type { Deliveries } from '../../agent/delivery/deliveries.ts';
import { Log } from '../../agent/delivery/log/log.ts';
import { OutputCounters } from '../../agent/delivery/output-counters.ts';
import { DetectionCounters } from '../../agent/detection/counters.ts';
import { familiesOf } from '../../agent/metrics/families.ts';
import * as limits from '../../agent/metrics/limits.ts';
import { SourceState } from '../../agent/source/source-state.ts';
import { HEARTBEAT_EXAMPLE } from '../../shared/events/heartbeat.ts';
import { HELLO_EXAMPLE } from '../../shared/events/hello.ts';

const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
const alerts = readFileSync(new URL('../../installers/prometheus/alerts.yml', import.meta.url), 'utf8');

/** Every family with a sample of each. */
function families(): ReturnType<typeof familiesOf> {
  const source = new SourceState();
  source.connected(HELLO_EXAMPLE);
  source.heardAt = 0;
  source.beat(HEARTBEAT_EXAMPLE);
  const detection = new DetectionCounters();
  detection.matched({ id: 'a', level: 'high' });
  detection.decided({ name: 'b' });
  const report = { name: 'local', type: 'file', downMs: 0, lagRecords: 0, lagBytes: 0, oldestMs: 0, stuckMs: 0 };
  const deliveries: Pick<Deliveries, 'reports'> = { reports: [{ ...report, counters: new OutputCounters() }] };
  return familiesOf({ telemetry: { countOf: () => 0 }, source, detection, log: new Log(), deliveries });
}

test('docs/metrics.md has every metric with its labels and its type, and no other', (t) => {
  const rows = [...page.matchAll(/^\| `((?:probes|process)_[^`]*)` \| (\w+) \|/gmu)].map(
    ([, name, type]) => `${name} ${type}`,
  );
  const there = families().map(({ name, type, samples: [[labels] = [{}]] }) => {
    const names = Object.keys(labels);
    return `${name}${names.length === 0 ? '' : `{${names.join(',')}}`} ${type}`;
  });
  t.deepEqual(rows.toSorted(), there.toSorted());
});

test('the example alerts ask for metrics that there are', (t) => {
  const names = new Set(families().map(({ name }) => name));
  const asked = [...alerts.matchAll(/^\s+expr: (.*)$/gmu)].flatMap(
    ([, expression]) => expression!.match(/probes_\w+/gu) ?? [],
  );
  t.true(asked.length >= 8);
  t.deepEqual(
    asked.filter((name) => !names.has(name)),
    [],
  );
});

test('docs/metrics.md has the bounds of the code', (t) => {
  for (const [text, value] of [
    [/(\d+) connections at a time/u, limits.MAX_CONNECTIONS],
    [/A request may take (\d+) seconds/u, limits.REQUEST_TIMEOUT_MS / 1000],
    [/seconds and (\d+) KiB of headers/u, limits.MAX_HEADER_BYTES / 1024],
    [/no connection to the helper for (\d+) seconds/u, limits.HELPER_AWAY_MS / 1000],
    [/an output has failed for (\d+) seconds/u, limits.OUTPUT_DOWN_MS / 1000],
    [/oldest record has waited for (\d+) seconds/u, limits.OLDEST_MS / 1000],
    [/cut after (\d+) characters/u, limits.MAX_LABEL_LENGTH],
  ] as const)
    t.is(Number(text.exec(page)?.[1]), value, String(text));
  t.true(page.includes(`first ${limits.MAX_NAMES.toLocaleString('en')} rules`));
  t.is(limits.CONNECTION_TIMEOUT_MS, 10_000, 'ten seconds, in words');
});
