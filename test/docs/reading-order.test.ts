import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';

const HELPER = path.resolve(import.meta.dirname, '../../helper');

test('helper/README.md leads through every file of the helper, and names none that is not there', (t) => {
  const page = readFileSync(path.join(HELPER, 'README.md'), 'utf8');
  const listed = [...page.matchAll(/^\| `([^`]+\.ts)` \|/gmu)].map((match) => match[1] ?? '');
  t.deepEqual(listed.toSorted(), globSync('**/*.ts', { cwd: HELPER }).toSorted());
});
