import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { CursorFile, SLOT_BYTES, SLOTS } from '../../../../agent/delivery/spool/cursor-file.ts';
import { TemporaryFolder } from './support.ts';

const stateAt = (ordinal: number) => ({
  spoolId: 'x',
  synced: 0,
  place: {
    ordinal,
    bootId: 'boot',
    through: ordinal,
    events: ordinal,
    notable: 0,
    notableRecords: 0,
    bytes: 0,
    notableBytes: 0,
  },
});

/** The places that the copies hold, sorted. */
function copiesIn(path: string): number[] {
  const text = readFileSync(path, 'utf8');
  return Array.from({ length: SLOTS }, (_, at) => text.slice(at * SLOT_BYTES, (at + 1) * SLOT_BYTES))
    .map((copy) => Number(/"ordinal":(\d+)/u.exec(copy)?.[1] ?? 0))
    .toSorted((a, b) => a - b);
}

test('the copy that was last forced to disk stays until another one is', async (t) => {
  using folder = new TemporaryFolder();
  const path = join(folder.root, 'a.cursor');
  const file = new CursorFile(path);
  await file.load();
  await file.save(stateAt(1));
  await file.sync();
  for (const ordinal of [2, 3, 4]) {
    await file.save(stateAt(ordinal));
    t.deepEqual(copiesIn(path), [ordinal === 2 ? 0 : 1, ordinal === 2 ? 1 : ordinal - 1, ordinal]);
  }
  await file.sync();
  for (const ordinal of [5, 6, 7]) await file.save(stateAt(ordinal));
  t.deepEqual(copiesIn(path), [4, 6, 7], 'the one that was forced, the newest, and the one before it');
  await file.close();

  const next = new CursorFile(path);
  t.is((await next.load()).state?.place.ordinal, 7);
  for (const ordinal of [8, 9]) await next.save(stateAt(ordinal));
  t.deepEqual(copiesIn(path), [7, 8, 9], 'the one that was read counts as forced');
  await next.close();
  t.false(existsSync(`${path}.new`));
});
