import { readFileSync } from 'node:fs';
import test from 'ava';
import { parseConfig } from '../../agent/config/load.ts';
import { BUILTIN_PATTERNS } from '../../agent/redaction/config.ts';
import { MAX_NESTING, MAX_STEPS } from '../../agent/redaction/limits.ts';

const TEXT = readFileSync(new URL('../../docs/redaction.md', import.meta.url), 'utf8');

test('docs/redaction.md lists every pattern, and no other', (t) => {
  const [, table] = /\n## What is redacted\n\n([^]*?)\n\n/.exec(TEXT)!;
  const names = table!.split('\n').slice(2).flatMap((row) => [...row.split('|')[1]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)); // prettier-ignore
  t.deepEqual(names.toSorted(), BUILTIN_PATTERNS.toSorted());
});

test('the configurations that docs/redaction.md shows are good', (t) => {
  const examples = [...TEXT.matchAll(/```yaml\n([^]*?)```/g)].map(([, yaml]) => yaml!);
  t.is(examples.length, 2);
  for (const yaml of examples) t.true(parseConfig(`${yaml}outputs: [{ name: a, type: stdout }]\n`, 'docs').ok, yaml);
});

test('docs/redaction.md names the bounds', (t) => {
  t.true(TEXT.includes(`beyond ${MAX_STEPS / 1e6} million steps`));
  t.is(MAX_NESTING, 4);
  t.true(TEXT.includes('four levels deep'));
});
