import test from 'ava';
import fc from 'fast-check';
import { Chain } from '../../../agent/rules/compile/chain.ts';
import { compilePattern } from '../../../agent/rules/compile/pattern.ts';
import { Engine, OverBudgetError } from '../../../agent/rules/engine.ts';
import { ContainsIndex } from '../../../agent/rules/index/contains.ts';
import { EndIndex } from '../../../agent/rules/index/ends.ts';
import type { Literal, LiteralIndex } from '../../../agent/rules/index/literal.ts';
import { SkipIndex } from '../../../agent/rules/index/skip.ts';
import { compileRegex } from '../../../agent/rules/regex/matcher.ts';
import { find } from '../../../agent/rules/value/find.ts';
import { parseTokens, type Token } from '../../../agent/rules/value/tokens.ts';
import { load, refusals, ruleText } from './support.ts';

const engineOf = (detection: string, limits = {}): Engine => {
  const { rules, refused } = load(ruleText(detection));
  if (refused.length > 0) throw new Error(refused[0]!.problems[0]!.message);
  return new Engine(
    rules.map(({ expression }) => expression),
    limits,
  );
};

/** The most that any construct may take for a character, in steps that the engine counts: lengths must not multiply. */
const STEPS_A_CHARACTER = 40;
const SIZE = 100_000;
const REPEATED = 'a'.repeat(SIZE);

for (const [name, line] of [
  ['contains of a long literal', `X|contains: ${'a'.repeat(2000)}b`],
  ['contains of a literal that begins otherwise', `X|contains: b${'a'.repeat(2000)}`],
  ['contains of literals of which one is short', `X|contains: [aaab, ${'a'.repeat(250)}b]`],
  ['contains of many literals', `X|contains: [${Array.from({ length: 500 }, (_, i) => `aaaa${i}`).join(', ')}]`],
  ['startswith of a long literal', `X|startswith: ${'a'.repeat(2000)}b`],
  ['endswith of a long literal', `X|endswith: b${'a'.repeat(2000)}`],
  ['equality with a long literal', `X: ${'a'.repeat(2000)}b`],
  ['a pattern', `X: '*${'a?'.repeat(500)}b*'`],
  ['a pattern that begins with ?', `X: '*?${'a?'.repeat(500)}b*'`],
  ['a pattern that ends with ?', `X: '*b${'?'.repeat(1000)}'`],
  ['many stars', `X: '*${'aa*'.repeat(500)}b*'`],
  ['windash', `X|windash|contains: '${' -a'.repeat(20)}b'`],
  ['cased', `X|cased|contains: ${'a'.repeat(2000)}b`],
] as const) {
  test(`${name} takes steps in proportion to a text that is made for it`, (t) => {
    const engine = engineOf(`s:\n    ${line}\ncondition: s`);
    for (const text of [REPEATED, 'aB'.repeat(SIZE / 2), '-a /a '.repeat(SIZE / 6), 'b'.repeat(SIZE)]) {
      engine.match({ X: text });
      t.true(engine.lastSteps <= STEPS_A_CHARACTER * SIZE, `${engine.lastSteps}`);
    }
  });
}

const literal = (text: string): Literal => ({ text, position: 'contains', atoms: [1] });

test('an index looks at no more than a fixed number of characters for each of the text', (t) => {
  const list = [literal(`${'a'.repeat(250)}b`), literal('aaab')];
  const found: number[] = [];
  const sink = { found: () => void found.push(1) };
  for (const index of [
    new SkipIndex(list),
    new SkipIndex([literal(`${'a'.repeat(250)}b`)]),
    new ContainsIndex(list),
    new EndIndex(list, 'suffix'),
  ] satisfies LiteralIndex[])
    t.true(index.scan(REPEATED, sink) <= 12 * SIZE);
  t.deepEqual(found, []);
});

test('an index that goes over to another way of reading finds the same, now and in the events after', (t) => {
  const engine = engineOf(`s: {X|contains: ${'a'.repeat(200)}b}\ncondition: s`, { lastEpoch: 3 });
  for (let i = 0; i < 8; i++) {
    t.is(engine.match({ X: `${REPEATED}b` }).length, 1);
    t.is(engine.match({ X: REPEATED }).length, 0);
    t.is(engine.match({ X: `x${'a'.repeat(200)}b` }).length, 1);
  }
});

/*
 * The searches below have no counter. Their texts and patterns are so large that a search whose time is the product of both lengths
 * would run for hours, and the test with it.
 */
test('a text is found in another in time linear in both', (t) => {
  const text = 'a'.repeat(4_000_000);
  const half = 'a'.repeat(1_000_000);
  for (const wanted of [`${half}b`, `b${half}`, `${half}b${half}`, `${half.slice(0, 20)}b${half}`])
    t.is(find(text, wanted), -1);
  t.is(find(`${text}b`, `${half}b`), 3_000_000);
  const other = { X: text, Y: `${half}b` };
  t.is(engineOf('s: {X|fieldref|contains: Y}\ncondition: s').match(other).length, 0);
});

test('a pattern with ? is found in time linear in the text', (t) => {
  const text = 'a'.repeat(4_000_000);
  for (const pattern of [`*${'a?'.repeat(2000)}b*`, `*${'?a'.repeat(2000)}b*`, `*b${'?'.repeat(4000)}`]) {
    const fits = compilePattern(parseTokens(pattern), false);
    t.false(fits(text));
    t.true(fits(`${text}b${'a'.repeat(pattern.startsWith('*b') ? 4000 : 0)}`));
  }
});

test('a pattern that could not be searched for in bounded time is refused', (t) => {
  const rule = (pattern: string) => ruleText(`s:\n    X: '${pattern}'\ncondition: s`);
  t.regex(refusals(rule(`*${'a?'.repeat(3000)}*`))[0]!, /more than 4096 characters with "\?" among them/);
  t.deepEqual(refusals(rule(`*${'a'.repeat(6000)}*b?`)), []);
});

test('numbers are refused in time linear in the text', (t) => {
  const engine = engineOf('s: {X|gt: 5}\ncondition: s');
  t.is(engine.match({ X: `${'1'.repeat(4_000_000)}x` }).length, 0);
  t.is(engine.match({ X: `${' '.repeat(4_000_000)}x` }).length, 0);
});

test('a class of many ranges is searched like any other', (t) => {
  const ranges = Array.from({ length: 5000 }, (_, i) => String.fromCodePoint(0x4e00 + 2 * i)).join('');
  const { test: search } = compileRegex(`[${ranges}]{3000}`, { ignoreCase: false, multiline: false, dotAll: false });
  t.false(search('\u4e01'.repeat(1_000_000)));
  t.true(search('\u4e00'.repeat(3000)));
});

test('an event that takes more steps than it may is not judged; the next one is', (t) => {
  const engine = engineOf('s: {X|contains: evil}\ncondition: s', { steps: 1000 });
  t.throws(() => engine.match({ X: 'x'.repeat(5000) }), { instanceOf: OverBudgetError });
  t.deepEqual(engine.match({ X: 'evil' }), [0]);
  t.throws(() => engine.match({ X: Array(5000).fill('x') }), { instanceOf: OverBudgetError });
  const regex = engineOf("s: {X|re: 'a.*b.*c'}\ncondition: s", { steps: 20_000 });
  t.throws(() => regex.match({ X: `cb${'a'.repeat(10_000)}` }), { instanceOf: OverBudgetError });
  t.throws(() => engine.matchIncomplete({ X: 'x'.repeat(5000) }, new Set(['X']), () => true), {
    instanceOf: OverBudgetError,
  });
});

test('a search that keeps no states any more says what it took', (t) => {
  const { test: search, spent } = compileRegex('a.{100}b.*c', { ignoreCase: false, multiline: false, dotAll: false });
  let seed = 7;
  const random = () => ((seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 16) & 1;
  search('a');
  t.true(spent!() < 100);
  search(Array.from({ length: 20_000 }, () => (random() === 1 ? 'a' : 'b')).join(''));
  t.true(spent!() > 100_000, `${spent!()}`);
});

const pieces = fc.array(fc.constantFrom('a', 'b', 'ab', '?', 'é', '😀', '*'), { maxLength: 8 });
const texts = fc.array(fc.constantFrom('a', 'b', 'é', '😀', 'aab'), { maxLength: 30 }).map((parts) => parts.join(''));

test('a pattern fits what its regular expression fits', (t) => {
  fc.assert(
    fc.property(pieces, texts, (parts, text) => {
      const source = parts.map((part) => (part === '*' ? '[^]*' : part === '?' ? '[^]' : part)).join('');
      const tokens: Token[] = parseTokens(parts.join(''));
      if (compilePattern(tokens, true)(text) !== new RegExp(`^${source}$`, 'u').test(text)) throw new Error(source);
    }),
    { numRuns: 5000, includeErrorInReport: true },
  );
  t.pass();
});

test('the search for a piece by bits finds the end of its first place', (t) => {
  const piece = fc.array(fc.constantFrom('a', 'b', 'ab', '?', 'é', '😀'), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(piece, texts, fc.nat(3), (parts, text, skip) => {
      const tokens = parseTokens(parts.join('')) as ConstructorParameters<typeof Chain>[0];
      const from = [...text].slice(0, skip).join('').length;
      const found = new RegExp(parts.map((part) => (part === '?' ? '[^]' : part)).join(''), 'u').exec(text.slice(from));
      const expected = found === null ? -1 : from + found.index + found[0].length;
      if (new Chain(tokens).endOfFirst(text, from) !== expected) throw new Error(`${parts.join('')} in ${text}`);
    }),
    { numRuns: 5000, includeErrorInReport: true },
  );
  t.pass();
});

test('a text is found where indexOf finds it', (t) => {
  const word = (maxLength: number) =>
    fc.array(fc.constantFrom('a', 'a', 'a', 'b'), { maxLength }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(
      word(400),
      word(40),
      fc.nat(30),
      (text, wanted, from) => find(text, wanted, from) === text.indexOf(wanted, from),
    ),
    { numRuns: 5000 },
  );
  const long = 'a'.repeat(5000);
  for (const wanted of [`${'a'.repeat(30)}b`, `b${'a'.repeat(30)}`, `${'a'.repeat(20)}b${'a'.repeat(20)}`])
    t.is(find(`${long}b${long}`, wanted), `${long}b${long}`.indexOf(wanted));
});
