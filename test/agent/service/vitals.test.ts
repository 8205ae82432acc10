import test from 'ava';
import type { OutputReport } from '../../../agent/delivery/deliveries.ts';
import { HELPER_SILENT_MS, hindrancesOf, StatusLine, type Vitals } from '../../../agent/service/vitals.ts';
import { SourceState } from '../../../agent/source/source-state.ts';
import { outputReport } from '../support/output-report.ts';

/** @param source what differs from a helper that is connected and sends */
const vitals = (source: Partial<Vitals['source']> = {}, ...reports: OutputReport[]): Vitals => ({
  source: { isConnected: true, awayMs: 0, silentMs: 0, received: new SourceState().received, ...source },
  deliveries: { reports: reports.length === 0 ? [outputReport({})] : reports },
});

test('a receiver that is away, a helper that does not run and what lags are waited for', (t) => {
  const day = 86_400_000;
  t.deepEqual(hindrancesOf(vitals()), []);
  t.deepEqual(hindrancesOf(vitals({ isConnected: false, awayMs: day })), []);
  t.deepEqual(
    hindrancesOf(vitals({}, outputReport({ downMs: day, oldestMs: day, lagRecords: 7, lagBytes: 7000 }))),
    [],
  );
  t.deepEqual(hindrancesOf(vitals({ silentMs: HELPER_SILENT_MS - 1 })), []);
});

test('a helper that is silent for long, and each output that is stuck, hinder', (t) => {
  const reports = [
    outputReport({}),
    outputReport({ name: 'soc', stuckMs: 601_500 }),
    outputReport({ name: 'lake', stuckMs: 900_000 }),
  ];
  t.deepEqual(hindrancesOf(vitals({ silentMs: HELPER_SILENT_MS }, ...reports)), [
    'the helper has been silent for 300 s, though it takes connections',
    'output soc has been stuck for 601 s',
    'output lake has been stuck for 900 s',
  ]);
});

test('the status line tells of the helper, the flow, outputs that are not up, and what hinders', (t) => {
  const status = new StatusLine();
  const start = performance.now();
  const received = new SourceState().received;
  status.of(vitals({ received }), start);
  received.exec += 900;
  received.exit += 100;
  t.is(status.of(vitals({ received }), start + 10_000), 'connected to the helper; 100 events/s; 1 outputs up');
  received.exec += 15;
  t.is(
    status.of(
      vitals(
        { received, isConnected: false, awayMs: 4200 },
        outputReport({}),
        outputReport({ name: 'soc', downMs: 61_000, lagRecords: 12, stuckMs: 700_000 }),
      ),
      start + 20_000,
    ),
    'not connected to the helper for 4 s; 1.5 events/s; output soc not up for 61 s, 12 records behind; output soc has been stuck for 700 s',
  );
});
