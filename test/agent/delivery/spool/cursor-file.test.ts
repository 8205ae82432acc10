import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { CursorFile, SLOT_BYTES } from '../../../../agent/delivery/spool/cursor-file.ts';
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

/** The places that the two copies hold. */
function copiesIn(path: string): Array<string | undefined> {
  const text = readFileSync(path, 'utf8');
  return [text.slice(0, SLOT_BYTES), text.slice(SLOT_BYTES)].map((copy) => /"ordinal":(\d+)/u.exec(copy)?.[1]);
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
    t.deepEqual(copiesIn(path).sort(), ['1', String(ordinal)]);
  }
  await file.sync();
  await file.save(stateAt(5));
  t.deepEqual(copiesIn(path).sort(), ['4', '5']);
  await file.close();

  const next = new CursorFile(path);
  t.is((await next.load()).state?.place.ordinal, 5);
  await next.save(stateAt(6));
  t.deepEqual(copiesIn(path).sort(), ['5', '6'], 'what was read counts as forced');
  await next.close();
  t.false(existsSync(`${path}.new`));
});
