import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';

import { helperReadingText, listedAsRoot, privilegedFiles } from '../../installers/generated/helper-reading.ts';

const HELPER = path.resolve(import.meta.dirname, '../../helper');
const page = readFileSync(path.join(HELPER, 'README.md'), 'utf8');

test('helper/README.md leads through every file of the helper, and names none that is not there', (t) => {
  const listed = [...page.matchAll(/^\| `([^`]+\.ts)` \|/gmu)].map((match) => match[1] ?? '');
  t.deepEqual(
    listed.filter((file) => !file.startsWith('shared/')).toSorted(),
    globSync('**/*.ts', { cwd: HELPER }).toSorted(),
  );
});

test('helper/README.md has the counts that npm run generate makes', async (t) => {
  t.is(page, await helperReadingText());
});

test('the section "As root" lists the files that have code in the process before the drop, and no others', async (t) => {
  t.deepEqual(listedAsRoot(page), await privilegedFiles());
});
