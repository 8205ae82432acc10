import test from 'ava';
import { FactSelection } from '../../../../agent/delivery/enriched-line.ts';
import { Log } from '../../../../agent/delivery/log/log.ts';
import type { CursorOptions } from '../../../../agent/delivery/log/reader.ts';
import { FACT_NAMES, Facts, type FactName } from '../../../../agent/events/facts.ts';
import { alertOf, itemOf, type Item, type StreamEvent } from '../../../../agent/events/item.ts';
import { execEvent } from '../../../support/fake-helper.ts';
import { Waiting } from '../../support/waiting.ts';
import { takeBatch } from '../take-batch.ts';

const LIMITS = { bytes: 1e6, records: 1000, ageMs: 0 };
const PLACE = FACT_NAMES.indexOf('entity_id');

const factsOf = (id: string, length = 0): Facts =>
  new Facts({
    texts: FACT_NAMES.map((_, place) => (place === PLACE ? JSON.stringify(id + 'x'.repeat(length)) : undefined)),
  });
const withFacts = (seq: number, facts = factsOf(String(seq))): Item => itemOf(execEvent(seq)).with(facts);

const options = (more: Partial<CursorOptions> = {}): CursorOptions => ({
  maxLagBytes: 1e9,
  alertsOnly: false,
  position: undefined,
  onMoved: () => undefined,
  onOvertaken: () => undefined,
  onResumed: () => undefined,
  onPositionUnknown: () => undefined,
  ...more,
});

/** The facts in the lines of what comes next, by the number of the event. */
function taken(cursor: ReturnType<Log['open']>, names: readonly FactName[] = ['entity_id']): Record<number, unknown> {
  const batch = takeBatch(cursor, undefined, LIMITS, undefined, new FactSelection(names));
  if (batch === undefined) return {};
  cursor.commit();
  const lines = batch.lines.toString().trimEnd().split('\n');
  return Object.fromEntries(
    lines
      .map((line) => JSON.parse(line) as { seq: number; entity_id: unknown })
      .map(({ seq, entity_id: id }) => [seq, id]),
  );
}

test('facts travel with their event, and only to outputs that ask', (t) => {
  const log = new Log();
  const [asks, other] = [log.open(options()), log.open(options())];
  log.append([withFacts(1), itemOf(execEvent(2)), withFacts(3)]);
  t.deepEqual(taken(asks), { 1: '1', 2: undefined, 3: '3' });
  const plain = takeBatch(other, undefined, LIMITS)!;
  t.is(plain.lines.toString(), [1, 2, 3].map((seq) => itemOf(execEvent(seq)).line + '\n').join(''));
});

test('facts of a segment that is used again, or of which alerts alone are kept, stay with their event', (t) => {
  const log = new Log();
  const alerts = log.open(options({ alertsOnly: true }));
  const all = log.open(options());
  const long = 'x'.repeat(300_000);
  for (let seq = 1; seq <= 12; seq++) {
    const event = execEvent(seq, { argv: [long] });
    const item = seq % 3 === 0 ? alertOf(event as StreamEvent, itemOf(event)) : itemOf(event);
    log.append([item.with(factsOf(String(seq)))]);
    t.deepEqual(taken(all), { [seq]: String(seq) });
  }
  t.true(log.factBytes > 0);
  const found: Record<number, unknown> = {};
  for (let next = taken(alerts); Object.keys(next).length > 0; next = taken(alerts)) Object.assign(found, next);
  t.deepEqual(found, { 3: '3', 6: '6', 9: '9', 12: '12' });
  log.append([withFacts(13)]);
  t.deepEqual(taken(all), { 13: '13' });
  // The rest is in the newest segment.
  t.true(log.factBytes < 3 * factsOf('1').bytes, String(log.factBytes));
});

test('facts have a bound of memory: beyond it events go without, and are counted', async (t) => {
  const one = factsOf('1', 1000).bytes;
  const log = new Log(3 * one);
  const cursor = log.open(options());
  log.append([1, 2, 3, 4, 5].map((seq) => withFacts(seq, factsOf(String(seq), 1000))));
  t.true(log.factBytes <= 3 * one);
  t.is(log.withoutFacts, 2);
  t.deepEqual(
    Object.values(taken(cursor)).map((id) => id !== undefined),
    [true, true, true, false, false],
  );
  // Once they are delivered, there is room again.
  log.append([withFacts(6)]);
  t.deepEqual(taken(cursor), { 6: '6' });
  await cursor.close();
});

test('an output that writes hashes waits for those of its batch; others do not', async (t) => {
  const log = new Log();
  const [waits, other] = [log.open(options({ awaitsHashes: true })), log.open(options({ awaitsHashes: false }))];
  const hold = new Waiting();
  const held = factsOf('2');
  held.holdFor(hold);
  log.append([withFacts(1), withFacts(2, held), withFacts(3)]);
  t.is(waits.prepare(), undefined);
  t.deepEqual(taken(waits), { 1: '1' });
  const wait = waits.prepare()!;
  t.truthy(wait);
  t.is(other.prepare(), undefined);
  t.deepEqual(taken(other), { 1: '1', 2: '2', 3: '3' });
  held.setHashes('{"sha256":"found"}');
  hold.end();
  await wait;
  t.is(waits.prepare(), undefined);
  t.deepEqual(taken(waits), { 2: '2', 3: '3' });
});

test('the wait is for all that is there, so that a batch is not a line', async (t) => {
  const log = new Log();
  const cursor = log.open(options({ awaitsHashes: true }));
  const holds = [new Waiting(), new Waiting()];
  log.append(
    holds.map((hold, i) => {
      const facts = factsOf(String(i + 1));
      facts.holdFor(hold);
      return withFacts(i + 1, facts);
    }),
  );
  let isOver = false;
  const wait = cursor.prepare()!.then(() => (isOver = true));
  holds[0]!.end();
  await new Promise(setImmediate);
  t.false(isOver);
  holds[1]!.end();
  await wait;
  t.deepEqual(taken(cursor), { 1: '1', 2: '2' });
});
