import test from 'ava';
import fc from 'fast-check';
import { stringify } from 'yaml';
import type { Node } from '../../../agent/yaml/node.ts';
import { readPlainYaml } from '../../../agent/yaml/plain.ts';
import { readCompleteYaml } from '../../../agent/yaml/complete.ts';
import { readRuleFiles, SKIPPED } from '../rules/data.ts';

/** Where nothing stands, the two readers may point at different places of nothing. */
function comparable(node: Node): unknown {
  if (node.kind === 'scalar') return node.value === null ? { ...node, offset: 0, verbatim: true } : node;
  if (node.kind === 'list') return { ...node, items: node.items.map(comparable) };
  return { ...node, entries: node.entries.map((e) => ({ ...e, value: comparable(e.value) })) };
}

const check = SKIPPED === '' ? test : test.skip;

check(
  `${SKIPPED}the fast reader reads nearly all SigmaHQ rules, and all of them exactly as the complete parser`,
  (t) => {
    let plain = 0;
    const files = (['linux', 'macos', 'windows'] as const).flatMap(readRuleFiles);
    for (const { file, text } of files) {
      const fast = readPlainYaml(file, text);
      if (fast === undefined) continue;
      plain++;
      const complete = readCompleteYaml(file, text);
      const [a, b] = [fast, complete].map((f) => JSON.stringify(f.documents.map(comparable)));
      if (a !== b) t.fail(`${file}\n${a}\n${b}`);
      for (const offset of [0, text.length >> 1, text.length - 1])
        t.deepEqual(fast.source.place(offset), complete.source.place(offset));
    }
    t.true(plain > files.length * 0.95, `${plain} of ${files.length}`);
  },
);

const word = fc
  .array(
    fc.constantFrom(
      'a',
      'B',
      '1',
      '-',
      ' ',
      ':',
      ': ',
      ' #',
      '#',
      "'",
      '"',
      '\\',
      '/',
      '*',
      '&',
      '|',
      '>',
      '{',
      '[',
      ']',
      ',',
      '%',
      '@',
      '!',
      '?',
      '.',
      '0x1f',
      '1e3',
      'null',
      'true',
      'no',
      '~',
      '\n',
      'é',
      '😀',
      '--- ',
    ),
    { maxLength: 5 },
  )
  .map((parts) => parts.join(''));
const key = fc.constantFrom('title', 'a|contains', 'b.c', '|all', 'x-y', 'null', '1', 'd e');
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    { weight: 6, arbitrary: word },
    fc.constantFrom<unknown>(null, true, 1, -2.5, ''),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(key, tie('any'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).any;
const style = fc.record({
  indent: fc.constantFrom(2, 4),
  indentSeq: fc.boolean(),
  singleQuote: fc.constantFrom(true, false, null),
  lineWidth: fc.constantFrom(0, 20),
  defaultStringType: fc.constantFrom(
    'PLAIN' as const,
    'QUOTE_SINGLE' as const,
    'QUOTE_DOUBLE' as const,
    'BLOCK_LITERAL' as const,
  ),
});

test('whatever the fast reader does not leave to the complete parser, it reads exactly like it', (t) => {
  let plain = 0;
  fc.assert(
    fc.property(
      fc.dictionary(key, value, { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
      style,
      (object, options) => {
        const text = stringify(object, options);
        const fast = readPlainYaml('x.yml', text);
        if (fast === undefined) return;
        plain++;
        const complete = readCompleteYaml('x.yml', text);
        if (complete.problems.length > 0) throw new Error(`read what is not YAML: ${JSON.stringify(text)}`);
        const [a, b] = [fast, complete].map((f) => JSON.stringify(f.documents.map(comparable)));
        if (a !== b) throw new Error(`${JSON.stringify(text)}\n${a}\n${b}`);
      },
    ),
    { numRuns: Number(process.env['RULES_PROPERTY_RUNS'] ?? 3000), includeErrorInReport: true },
  );
  t.true(plain > 100, `${plain}`);
});

test('damaged text is never read differently from the complete parser', (t) => {
  const good =
    "title: A b\nlist:\n    - a\n    - k: v\n      l: w\ntext: |\n    one\n      two\n\n    three\nempty:\nq: 'it''s' # c\n---\ntitle: x\n";
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.nat(good.length),
          fc.nat(2),
          fc.constantFrom(' ', '\n', ':', '-', '#', "'", 'a', '|', '- ', ': ', '"', '&', '*', '---'),
        ),
        { minLength: 1, maxLength: 4 },
      ),
      (edits) => {
        let text = good;
        for (const [at, remove, insert] of edits) text = text.slice(0, at) + insert + text.slice(at + remove);
        const fast = readPlainYaml('x.yml', text);
        if (fast === undefined) return;
        const complete = readCompleteYaml('x.yml', text);
        const [a, b] = [fast, complete].map((f) => JSON.stringify([f.problems.length, f.documents.map(comparable)]));
        if (a !== b) throw new Error(`${JSON.stringify(text)}\n${a}\n${b}`);
      },
    ),
    { numRuns: Number(process.env['RULES_PROPERTY_RUNS'] ?? 3000), includeErrorInReport: true },
  );
  t.pass();
});
