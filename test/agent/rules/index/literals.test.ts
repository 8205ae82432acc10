import test from 'ava';
import fc from 'fast-check';
import { ContainsIndex } from '../../../../agent/rules/index/contains.ts';
import { EndIndex } from '../../../../agent/rules/index/ends.ts';
import type { Literal, LiteralIndex, Position } from '../../../../agent/rules/index/literal.ts';
import { SkipIndex } from '../../../../agent/rules/index/skip.ts';
import { fold } from '../../../../agent/rules/value/fold.ts';
import { atoms, compare } from './support.ts';

const characters = fc.constantFrom('a', 'b', 'A', 'c', '\\', 'é', 'É', '–', '😀', 'Σ', 'ς', 'K');
const text = (minLength: number, maxLength: number) =>
  fc.array(characters, { minLength, maxLength }).map((parts) => parts.join(''));
const literals = (position: fc.Arbitrary<Position>, least: number) =>
  fc
    .array(fc.record({ text: text(least, least + 3).map(fold), position }), { minLength: 1, maxLength: 12 })
    .map((list) => list.map((l, i): Literal => ({ ...l, atoms: [i] })));

const KINDS: readonly [string, fc.Arbitrary<Position>, number, (list: readonly Literal[]) => LiteralIndex][] = [
  ['contains', fc.constant('contains'), 1, (list) => new ContainsIndex(list)],
  ['skip', fc.constant('contains'), 2, (list) => new SkipIndex(list)],
  ['suffix', fc.constantFrom('suffix', 'equals'), 1, (list) => new EndIndex(list, 'suffix')],
  ['prefix', fc.constant('prefix'), 1, (list) => new EndIndex(list, 'prefix')],
];

for (const [name, position, least, make] of KINDS) {
  test(`the ${name} index finds exactly the literals that a text has, in any script and case`, (t) => {
    fc.assert(
      fc.property(literals(position, least), text(0, 12), (list, subject) => compare(make(list), list, subject)),
      { numRuns: 3000, includeErrorInReport: true },
    );
    t.pass();
  });
}

test('thousands of literals in characters of their own stay small', (t) => {
  const list = Array.from({ length: 4000 }, (_, i): Literal => ({
    text: `x${String.fromCharCode(0x4e00 + i)}y`,
    position: 'contains',
    atoms: [i],
  }));
  const index = new ContainsIndex(list);
  t.true(index.bytes < 1_000_000, `${index.bytes} bytes`);
  t.deepEqual(atoms(index, `..X${String.fromCharCode(0x4e00 + 77)}Y..`), [77]);
  t.true(
    new EndIndex(
      list.map((l) => ({ ...l, position: 'suffix' })),
      'suffix',
    ).bytes < 1_000_000,
  );
});
