import test from 'ava';
import { redactionSchema, type RedactionConfig } from '../../../agent/redaction/config.ts';
import { Redaction } from '../../../agent/redaction/redaction.ts';
import { alertOf, Item, type StreamEvent } from '../../../agent/events/item.ts';
import { execEvent } from '../../support/fake-helper.ts';
import { gap, toItem } from '../support/items.ts';
import { recordingTelemetry } from '../support/telemetry.ts';

function setting(config: Partial<RedactionConfig> = {}, steps?: number) {
  const { telemetry, raised } = recordingTelemetry();
  const redaction = new Redaction(telemetry, steps);
  redaction.adopt(redactionSchema.parse(config));
  return { redaction, raised };
}
const quiet = (seq: number) => toItem(execEvent(seq));
const loud = (seq: number) => toItem(execEvent(seq, { argv: ['app', '--token=abc'], command: 'app --token=abc' }));

test('a batch without secrets is the same batch; of another, items without secrets are the same items', (t) => {
  const { redaction } = setting();
  const batch = [quiet(1), gap(2, 3), quiet(4)];
  t.is(redaction.stage(batch), batch);
  const mixed = [quiet(1), loud(2), gap(3, 3), quiet(4)];
  const out = redaction.stage(mixed);
  t.deepEqual(
    out.map((item, i) => item === mixed[i]),
    [true, false, true, true],
  );
  t.is(mixed[1]!.line, loud(2).line);
});

test('an event that is written anew keeps its numbers, and an alert stays one', (t) => {
  const { redaction } = setting();
  const item = loud(7);
  const alert = alertOf({ ...item.event, rules: [] } as unknown as StreamEvent, item);
  const [event, changed] = redaction.stage([item, alert]);
  t.deepEqual([event!.first, event!.last, event!.isAlert], [7, 7, false]);
  t.deepEqual([changed!.first, changed!.last, changed!.isAlert], [7, 7, true]);
  t.is(event!.line, JSON.stringify(event!.event));
});

test('texts beside events are redacted by the configuration in force, also those that were seen before', (t) => {
  const { redaction } = setting();
  const texts = (): string[] => [redaction.commandLine('app --token=abc'), redaction.value('app --token=abc')];
  const redacted = ['app --token=[redacted]', 'app --token=abc'];
  t.deepEqual(texts(), redacted);
  t.deepEqual(texts(), redacted);
  t.is(redaction.value('https://ada:hunter2@host/'), 'https://ada:[redacted]@host/');
  redaction.adopt(redactionSchema.parse({ enabled: false }));
  t.deepEqual(texts(), ['app --token=abc', 'app --token=abc']);
  redaction.adopt(redactionSchema.parse({}));
  t.deepEqual(texts(), redacted);
  // A text that cannot be searched with the steps that there are is withheld.
  t.is(setting({}, 1).redaction.commandLine('app --token=abc'), '[redacted]');
});

test('switched off, everything passes and nothing is said', (t) => {
  const { redaction, raised } = setting({ enabled: false });
  const batch = [loud(1)];
  t.is(redaction.stage(batch), batch);
  redaction.close();
  t.deepEqual(raised, []);
});

test('at the end: how many events, and by which patterns; in one event a pattern counts once', (t) => {
  const { redaction, raised } = setting();
  const twice = toItem(execEvent(3, { argv: ['app', '--token=abc', '--token=def', 'https://a:b@c/'] }));
  redaction.stage([loud(1), quiet(2), twice]);
  redaction.close();
  t.like(raised, [{ event: 'EventsRedacted', level: 'info', events: 2, patterns: { option: 2, url: 1 } }]);
});

test('an event for which the steps do not suffice is counted', (t) => {
  const { redaction, raised } = setting({}, 10);
  const [item] = redaction.stage([loud(1)]);
  t.false(item!.line.includes('abc'));
  redaction.close();
  t.like(raised, [{ events: 1, patterns: { over_budget: 1 } }]);
});

test('an event that cannot be searched goes on without its command lines, with its number, and that is told', (t) => {
  const { redaction, raised } = setting();
  // Nested deeper than anything can follow.
  const deep = `${'['.repeat(50_000)}"secret"${']'.repeat(50_000)}`;
  const memory = Buffer.from(`${loud(5).line.slice(0, -1)},"deep":${deep}}\n`);
  const [out] = redaction.stage([new Item(memory, 0, memory.length, 5, 5, undefined, undefined, true)]);
  t.deepEqual([out!.first, out!.last, out!.isAlert], [5, 5, true]);
  t.false(/abc|secret/.test(out!.line));
  t.like(out!.event, { seq: 5, pid: 1005, argv: ['[redacted]', '[redacted]'], command: '[redacted]', redacted: true });
  t.like(raised, [{ event: 'RedactionFailed', level: 'error' }]);
});
