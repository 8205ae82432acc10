import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Identified } from '../../../../agent/formats/identified.ts';
import { sealStateOf } from '../../../../agent/outputs/file/seals.ts';
import { exec } from '../../support/items.ts';

const format = new Identified({ hostId: 'a'.repeat(32), host: 'h', stream: 'all' });

const lines = (first: number, last: number): string =>
  Array.from({ length: last - first + 1 }, (_, i) => {
    const pieces = format.encode(exec(first + i), { bootId: 'boot', seal: 1 });
    return `${Buffer.concat([...pieces]).toString()}\n`;
  }).join('');

for (const [what, files] of [
  ['one behind the other', { '.2': [1, 3], '.1': [4, 6], '': [7, 8] }],
  ['with a hole, as a kill leaves one between two renames', { '.3': [1, 3], '.2': [4, 6], '': [7, 8] }],
  ['with a new file that nothing is in', { '.3': [1, 3], '.1': [4, 8], '': [1, 0] }],
] as const)
  test(`the open seal is counted over all files of a rotation, ${what}`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'probes-seals-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'all');
    for (const [suffix, [first, last]] of Object.entries(files)) writeFileSync(path + suffix, lines(first, last));
    writeFileSync(`${path}.07`, lines(100, 120));
    await using handle = await open(path);
    const state = await sealStateOf(path, { handle, size: (await handle.stat()).size });
    t.like(state, { boot_id: 'boot', seal: 1, from: 1, through: 8, sent: 8, lines: 8, gap: 0 });
  });
