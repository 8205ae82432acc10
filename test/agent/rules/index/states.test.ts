import test from 'ava';
import fc from 'fast-check';
import { ContainsIndex } from '../../../../agent/rules/index/contains.ts';
import { EndIndex } from '../../../../agent/rules/index/ends.ts';
import type { Literal, LiteralIndex, Position } from '../../../../agent/rules/index/literal.ts';
import { fold } from '../../../../agent/rules/value/fold.ts';
import { atoms, compare } from './support.ts';

/*
 * Small sets have dense states only. The sets here are parts of one long word in few characters: the tree is deep, most of
 * its states are sparse, and suffixes lead from any kind of state to any other.
 */
const LETTERS = ['a', 'a', 'a', 'b', 'k', 's', 'é', '–'];
const CASES: Readonly<Record<string, readonly string[]>> = {
  k: ['k', 'K', '\u212a'],
  s: ['s', 'S', 'ſ'],
  é: ['é', 'É'],
};

const word = fc.array(fc.constantFrom(...LETTERS), { minLength: 100, maxLength: 200 }).map((parts) => parts.join(''));
const part = fc.record({
  at: fc.nat(200),
  length: fc.integer({ min: 1, max: 70 }),
  end: fc.constantFrom('', 'a', 'b', 'k', 'é'),
});
const parts = (most: number) => fc.array(part, { minLength: 1, maxLength: most });

const cut = (of: string, { at, length, end }: { at: number; length: number; end: string }): string => {
  const start = at % of.length;
  return fold(of.slice(start, start + length) + end);
};
/** Writes every other character in the next of its cases. */
const inCases = (text: string): string =>
  [...text].map((c, i) => (i % 2 === 0 ? c : (CASES[c]?.[i % CASES[c].length] ?? c.toUpperCase()))).join('');

const KINDS: readonly [string, readonly Position[], (list: readonly Literal[]) => LiteralIndex][] = [
  ['contains', ['contains'], (list) => new ContainsIndex(list)],
  ['suffix', ['suffix', 'equals'], (list) => new EndIndex(list, 'suffix')],
  ['prefix', ['prefix', 'equals'], (list) => new EndIndex(list, 'prefix')],
];

for (const [name, positions, make] of KINDS) {
  test(`the ${name} index finds exactly the literals that a text has when they are long and overlap`, (t) => {
    fc.assert(
      fc.property(word, parts(40), fc.array(parts(6), { minLength: 6, maxLength: 6 }), (of, own, texts) => {
        const list = own.map((p, i): Literal => ({
          text: cut(of, p),
          position: positions[i % positions.length]!,
          atoms: [i],
        }));
        const index = make(list);
        for (const pieces of texts) compare(index, list, inCases(pieces.map((p) => cut(of, p)).join('')));
        for (const { text } of list) compare(index, list, inCases(text));
      }),
      { numRuns: 300, includeErrorInReport: true },
    );
    t.pass();
  });
}

/** Numbers below `most`, the same in each run. */
function numbers(): (most: number) => number {
  let seed = 7;
  return (most) => (seed = (seed * 48271) % 0x7fffffff) % most;
}

test('the tables take no more than fifty bytes a character of a large set of literals', (t) => {
  const below = numbers();
  const symbols = 'abcdefghijklmnopqrstuvwxyz0123456789 -_/\\.:;,=+*"\'()[]{}<>|&%$#@!';
  const list = Array.from({ length: 3000 }, (_, i): Literal => ({
    text: Array.from({ length: 30 }, () => symbols[below(symbols.length)]!).join(''),
    position: 'contains',
    atoms: [i],
  }));
  for (const index of [new ContainsIndex(list), new EndIndex(list, 'suffix'), new EndIndex(list, 'prefix')])
    t.true(index.bytes < 3000 * 30 * 50, `${index.bytes / 90_000} bytes a character`);
});

test('an index of a few literals takes a few kilobytes', (t) => {
  const list: Literal[] = [{ text: '/bin/bash', position: 'suffix', atoms: [0] }];
  for (const index of [new ContainsIndex(list), new EndIndex(list, 'suffix')])
    t.true(index.bytes < 4096, `${index.bytes} bytes`);
});

test('steps back to shorter suffixes are counted, and are no more than characters', (t) => {
  const list = [300, 299, 200, 1].map((n, i): Literal => ({
    text: `${'a'.repeat(n)}b`,
    position: 'contains',
    atoms: [i],
  }));
  const index = new ContainsIndex([...list, { text: 'a'.repeat(400), position: 'contains', atoms: [4] }]);
  const text = 'a'.repeat(100_000);
  const steps = index.scan(text, { found: () => undefined });
  t.true(steps > 1.9 * text.length && steps <= 2 * text.length, `${steps}`);
  t.deepEqual(atoms(index, `${'a'.repeat(250)}b`), [2, 3]);
});

test('a state with thousands of edges beyond ASCII finds each', (t) => {
  const characters = Array.from({ length: 5000 }, (_, i) => String.fromCharCode(0x4e00 + 2 * i));
  const list = characters.flatMap((c, i): Literal[] => [
    { text: c, position: 'contains', atoms: [3 * i] },
    { text: `${'x'.repeat(300)}${c}`, position: 'contains', atoms: [3 * i + 1] },
    { text: `é${c}`, position: 'contains', atoms: [3 * i + 2] },
  ]);
  const index = new ContainsIndex(list);
  for (const i of [0, 1, 2500, 4998, 4999]) {
    const c = characters[i]!;
    t.deepEqual(atoms(index, c), [3 * i]);
    t.deepEqual(atoms(index, `${'x'.repeat(300)}${c}`), [3 * i, 3 * i + 1]);
    t.deepEqual(atoms(index, `xxÉ${c}`), [3 * i, 3 * i + 2]);
    t.deepEqual(atoms(index, String.fromCharCode(0x4e01 + 2 * i)), []);
  }
});
