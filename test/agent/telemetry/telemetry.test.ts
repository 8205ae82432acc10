import test from 'ava';
import { recordingTelemetry } from '../support/telemetry.ts';

test('an event raises its counter and its log line together', (t) => {
  const { telemetry, raised } = recordingTelemetry();
  telemetry.raise('HelperConnected', { helper: '0.1.0' });
  t.deepEqual(raised, [{ level: 'info', event: 'HelperConnected', helper: '0.1.0' }]);
  t.is(telemetry.countOf('HelperConnected'), 1);
});

test('a repeating event is counted each time and logged once a minute, with how many were left out', (t) => {
  let now = 0;
  const { telemetry, raised } = recordingTelemetry(() => now);
  for (now = 0; now < 60_000; now += 10_000) telemetry.raiseRepeating('HelperUnreachable', 'ENOENT');
  t.is(raised.length, 1);
  telemetry.raiseRepeating('HelperUnreachable', 'ENOENT');
  t.is(raised.length, 2);
  t.is(raised[1]!['repeated'], 5);
  t.is(telemetry.countOf('HelperUnreachable'), 7);
});

test('another reason is logged at once', (t) => {
  const { telemetry, raised } = recordingTelemetry(() => 0);
  telemetry.raiseRepeating('HelperUnreachable', 'ENOENT');
  telemetry.raiseRepeating('HelperUnreachable', 'EACCES');
  t.is(raised.length, 2);
});
