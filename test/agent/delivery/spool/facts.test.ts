import { readFileSync } from 'node:fs';
import test from 'ava';
import { FACT_NAMES, Facts, type Hold } from '../../../../agent/events/facts.ts';
import type { Item } from '../../../../agent/events/item.ts';
import { Waiting } from '../../support/waiting.ts';
import { begin, events, TemporaryFolder, until, type Receiver } from './support.ts';

const PLACES = { entity_id: FACT_NAMES.indexOf('entity_id'), hashes: FACT_NAMES.indexOf('hashes') };

/** Events with an entity id each, whose hashes come while `hold` lasts. */
function heldEvents(first: number, count: number, hold?: Hold): Item[] {
  return events(first, count).map((item) => {
    const facts = new Facts({
      texts: FACT_NAMES.map((_, place) => (place === PLACES.entity_id ? `"e${item.first}"` : undefined)),
    });
    if (hold !== undefined) facts.holdFor(hold);
    return item.with(facts);
  });
}

const taken = ({ gate }: Receiver): { seq: number; entity_id?: string; hashes?: object }[] =>
  gate.taken.map((line) => JSON.parse(line) as { seq: number });
const bytesIn = (folder: TemporaryFolder): number =>
  folder.segments.reduce((sum, file) => sum + readFileSync(file).length, 0);

test('facts come back from disk, in another life, for the outputs that ask', async (t) => {
  using folder = new TemporaryFolder();
  const before = await begin(folder.spool);
  const hold = new Waiting();
  const items = heldEvents(1, 3, hold);
  before.log.append(items);
  items[1]!.facts!.setHashes('{"sha256":"ab"}');
  hold.end();
  before.log.append(events(4, 2));
  await until(() => bytesIn(folder) > 400);
  await before.stop();
  const life = await begin(folder.spool);
  const [asks, other] = [
    await life.output('asks', { enrich: ['hashes', 'entity_id'] }),
    await life.output('other', { enrich: [] }),
  ];
  await until(() => taken(asks).length === 5 && taken(other).length === 5);
  t.deepEqual(
    taken(asks).map(({ entity_id: id, hashes }) => [id, hashes]),
    [
      ['e1', undefined],
      ['e2', { sha256: 'ab' }],
      ['e3', undefined],
      [undefined, undefined],
      [undefined, undefined],
    ],
  );
  t.deepEqual(
    other.gate.taken,
    events(1, 5).map(({ line }) => line),
  );
  await life.stop();
});

test('what is written waits for the hashes that are about to come; outputs that do not ask for them do not', async (t) => {
  using folder = new TemporaryFolder();
  const life = await begin(folder.spool);
  const [hashes, ids] = [
    await life.output('hashes', { enrich: ['hashes'] }),
    await life.output('ids', { enrich: ['entity_id'] }),
  ];
  const empty = bytesIn(folder);
  const hold = new Waiting();
  const items = heldEvents(1, 2, hold);
  life.log.append(items);
  await until(() => taken(ids).length === 2);
  t.is(taken(hashes).length, 0);
  t.is(bytesIn(folder), empty);
  for (const item of items) item.facts!.setHashes('{"sha256":"cd"}');
  hold.end();
  await until(() => taken(hashes).length === 2 && bytesIn(folder) > empty);
  t.deepEqual(
    taken(hashes).map((event) => event.hashes),
    [{ sha256: 'cd' }, { sha256: 'cd' }],
  );
  await life.stop();
});
