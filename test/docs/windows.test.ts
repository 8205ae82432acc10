import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';

import { pipeSddl } from '../../helper/windows/pipe/security.ts';
import { JOIN_WAIT_MS } from '../../helper/windows/limits.ts';
import { tableOf } from '../support/markdown.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PAGE = readFileSync(path.join(ROOT, 'docs/windows.md'), 'utf8');

test('docs/windows.md lists every code of a finding on Windows', (t) => {
  const sources = [...globSync('helper/windows/audit/*.ts', { cwd: ROOT }), 'helper/audit/files.ts'];
  const used = sources.flatMap((file) =>
    [...readFileSync(path.join(ROOT, file), 'utf8').matchAll(/code: '(\w+)'/gu)].map((match) => match[1] ?? ''),
  );
  const listed = tableOf(PAGE, 'The audit').flatMap((row) =>
    [...(row['code'] ?? '').matchAll(/`(\w+)`/gu)].map((match) => match[1] ?? ''),
  );
  t.deepEqual(listed.toSorted(), [...new Set(used)].toSorted());
});

test('docs/windows.md has the access list and the patience that the code has', (t) => {
  t.true(PAGE.includes(pipeSddl('GROUP')));
  t.true(PAGE.includes(`${JOIN_WAIT_MS / 1000} s goes out alone`));
});
