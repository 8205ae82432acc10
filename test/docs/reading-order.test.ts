import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { bundle } from '../../installers/programs/bundle.ts';

const HELPER = path.resolve(import.meta.dirname, '../../helper');

test('helper/README.md leads through every file of the helper, and names none that is not there', (t) => {
  const page = readFileSync(path.join(HELPER, 'README.md'), 'utf8');
  const listed = [...page.matchAll(/^\| `([^`]+\.ts)` \|/gmu)].map((match) => match[1] ?? '');
  t.deepEqual(listed.toSorted(), globSync('**/*.ts', { cwd: HELPER }).toSorted());
});

/** Lines that are neither empty nor comments. */
function codeIn(file: string): number {
  const text = readFileSync(path.join(HELPER, '..', file), 'utf8').replaceAll(/\/\*[^]*?\*\//gu, '');
  return text.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length;
}

for (const [system, platform] of [
  ['Linux', 'linux'],
  ['macOS', 'darwin'],
  ['Windows', 'win32'],
] as const) {
  test(`helper/README.md says how much there is to read for ${system}, within a twentieth`, async (t) => {
    const row =
      readFileSync(path.join(HELPER, 'README.md'), 'utf8')
        .split('\n')
        .find((line) => line.startsWith(`| ${system} |`)) ?? '';
    const said = row.split('|').slice(2, 5).map(Number);
    const files = (await bundle({ entry: 'helper/main.ts' }, platform)).inputs.filter((file) => file.endsWith('.ts'));
    const lines = (of: readonly string[]): number => of.reduce((sum, file) => sum + codeIn(file), 0);
    const real = [files.length, lines(files), lines(files.filter((file) => /\baudit\b/u.test(file)))];
    for (const [i, count] of real.entries())
      t.true(Math.abs(count - (said[i] ?? 0)) <= count / 20, `${row}: really ${real.join(', ')}`);
  });
}
