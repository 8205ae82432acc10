import test from 'ava';
import fc from 'fast-check';
import { Alphabet } from '../../../../agent/rules/regex/alphabet.ts';
import { trim } from '../../../../agent/rules/regex/ast.ts';
import { linearSteps } from '../../../../agent/rules/regex/linear.ts';
import { neededLiterals } from '../../../../agent/rules/regex/literals.ts';
import { compileRegex, type RegexMatcher } from '../../../../agent/rules/regex/matcher.ts';
import { parseRegex, RegexError } from '../../../../agent/rules/regex/parse.ts';
import { printRegex } from '../../../../agent/rules/regex/print.ts';
import { compileProgram } from '../../../../agent/rules/regex/program.ts';
import { Search } from '../../../../agent/rules/regex/search.ts';
import { fold } from '../../../../agent/rules/value/fold.ts';

const PLAIN = { ignoreCase: false, multiline: false, dotAll: false };
const compile = (source: string, flags = {}) => compileRegex(source, { ...PLAIN, ...flags });
const found = (source: string, text: string, flags = {}) => compile(source, flags).test(text);

/** Patterns of SigmaHQ rules for which V8's own search takes exponential or polynomial time. */
const HANGING = [
  'cmd.{0,5}(?:/c|/r)(?:\\s|)\\"set\\s[a-zA-Z]{3,6}.*(?:\\{\\d\\}){1,}\\\\\\"\\s+?\\-f(?:.*\\)){1,}.*\\"',
  'cmd.{0,5}(?:/c|/r).+powershell.+(?:\\$\\{?input\\}?|noexit).+\\"',
  '(?i)(?:set).*&&\\s?set.*(?:environment|invoke|\\$\\{?input).*&&.*"',
  '(?i)echo.*clip.*&&.*(?:Clipboard|i`?n`?v`?o`?k`?e`?)',
  '\\+.*\\+.*\\+.*\\+.*\\+.*\\+.*\\+.*\\+.*\\+.*\\+.*\\+.*\\+.*\\+.*\\+',
  '\\{.*\\{.*\\{.*\\{.*\\{.*\\{.*\\{.*\\{.*\\{.*\\{',
  '[Rr][Uu][Nn][Dd][Ll][Ll]32(?:\\.[Ee][Xx][Ee])? \\S+?\\w:\\S+?:',
];

/** 100 KB made of what the pattern is made of, and never quite a match. */
function hostileTexts(source: string): string[] {
  const pieces = [...source.matchAll(/[A-Za-z]{3,}|[{+^`&"):/ ]/g)].map((m) => m[0]);
  const units = [...new Set([...pieces, '{0}', ') ', 'a', ' ', '+', '{', 'a:', 'cmd /c"set abc'])];
  const size = 100_000;
  return [
    ...units.map((unit) => unit.repeat(Math.ceil(size / unit.length))),
    units.join(' ').repeat(Math.ceil(size / 200)),
    `${pieces.join(' ')}${') '.repeat(size / 2)}`,
  ];
}

/** Milliseconds of the fastest of three runs: a busy machine is not a slow search. */
function fastest(run: () => void): number {
  let best = Infinity;
  for (let i = 0; i < 3; i++) {
    const start = performance.now();
    run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

for (const source of HANGING) {
  test(`100 KB of hostile text cannot hold up ${source.slice(0, 40)}`, (t) => {
    const { test: search } = compile(source);
    search('warm up');
    for (const text of hostileTexts(source)) {
      const ms = fastest(() => search(text));
      t.true(ms < 100, `${ms.toFixed(0)} ms for ${text.slice(0, 30)}…`);
    }
  });
}

test('expressions with a proof run in V8, others in our own search, and a length is only counted', (t) => {
  for (const [source, engine] of [
    ['net\\s+user', 'native'],
    ['://[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}', 'native'],
    ['\\\\[^\\\\]{1,256}$', 'native'],
    ['^\\s*x', 'native'],
    ['a.*b', 'automaton'],
    ['\\s+\\s+x', 'automaton'],
    ['x(?:a|aa)+b', 'automaton'],
    ['.{1000,}', 'run'],
    ['(.){200,}', 'run'],
    ['x*', 'always'],
  ] as const) {
    t.is(compile(source).engine, engine, source);
  }
});

const piece = fc.constantFrom(
  'a',
  'b',
  'A',
  'é',
  '.',
  '[ab]',
  '[^a]',
  '\\s',
  '\\w',
  '\\d',
  '\\b',
  '\\B',
  '^',
  '$',
  '(?:a|b)',
  '(?:ab|a)',
  '(?:a|)',
  '😀',
  '\\n',
  '-',
);
const quantifier = fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{1,3}', '{2,}', '*?', '+?');
const pattern: fc.Arbitrary<string> = fc.letrec<{ re: string }>((tie) => ({
  re: fc
    .array(
      fc.oneof(
        {
          weight: 6,
          arbitrary: fc.tuple(piece, quantifier).map(([p, q]) => (/^(?:\\[bB]|\^|\$)$/.test(p) ? p : p + q)),
        },
        {
          weight: 1,
          arbitrary: fc
            .tuple(fc.array(tie('re'), { minLength: 1, maxLength: 2 }), quantifier)
            .map(([options, q]) => `(?:${options.join('|')})${q}`),
        },
      ),
      { maxLength: 4, depthIdentifier: 're' },
    )
    .map((parts) => parts.join('')),
})).re;
const subject = fc
  .array(fc.constantFrom('a', 'b', 'A', 'B', 'é', 'É', ' ', '\n', '-', '1', '😀', '_', 'aab'), { maxLength: 8 })
  .map((parts) => parts.join(''));
const flags = fc.record({ ignoreCase: fc.boolean(), multiline: fc.boolean(), dotAll: fc.boolean() });

/** Undefined for an expression that takes too many steps, as nested repetitions of choices do. */
function accepted(source: string, f: typeof PLAIN): RegexMatcher | undefined {
  try {
    return compileRegex(source, f);
  } catch (error) {
    if (error instanceof RegexError && error.message.includes('too many repetitions')) return undefined;
    throw error;
  }
}

/** Numbers the characters of an expression as its search does. */
function classOf(re: Parameters<typeof compileProgram>[0]): (point: number) => number {
  const alphabet = new Alphabet(compileProgram(re)!);
  return (point) => alphabet.classOf(point);
}

test('our own search finds what V8 finds, for random expressions, flags and texts', (t) => {
  let positives = 0;
  let all = 0;
  let byBits = 0;
  fc.assert(
    fc.property(pattern, flags, fc.array(subject, { minLength: 1, maxLength: 4 }), (source, f, texts) => {
      const re = parseRegex(source, f);
      const search = new Search(compileProgram(re)!);
      const trimmed = new Search(compileProgram(trim(re))!);
      const printed = new RegExp(printRegex(re), 'u');
      const compiled = accepted(source, f);
      if (compiled === undefined) return;
      const { test: chosen, literals } = compiled;
      // `$` of PCRE is also true before a last line feed; JavaScript's is not, so it is spelt out.
      const dollar = f.multiline ? '(?:$)' : '(?=\\n?$)';
      // A line of PCRE does not begin after the last line feed; JavaScript's does.
      const caret = f.multiline ? '(?:^(?=[^])|^(?<![^]))' : '^';
      const dot = f.dotAll ? '[^]' : '[^\\n]';
      // V8 finds a bare `\B` inside a surrogate pair.
      const inside = '(?:(?<=\\w)(?=\\w)|(?<=^|\\W)(?=\\W|END))';
      const rewritten = source
        .replace(/(?<![[\\])\^/g, caret)
        .replaceAll('\\B', inside)
        .replace(/\$/g, dollar)
        .replaceAll('END', '$')
        .replace(/(?<!\\)\./g, dot)
        .replaceAll('\\s', '[\\t-\\r ]');
      const v8 = new RegExp(rewritten, `u${f.ignoreCase ? 'i' : ''}${f.multiline ? 'm' : ''}`);
      for (const text of texts) {
        const expected = v8.test(text);
        all++;
        byBits += search.bits === undefined ? 0 : 1;
        positives += expected ? 1 : 0;
        const got = {
          bits: search.bits?.test(text, classOf(re)) ?? expected,
          search: search.test(text),
          trimmed: trimmed.test(text),
          printed: printed.test(text),
          chosen: chosen(text),
        };
        for (const [way, answer] of Object.entries(got))
          if (answer !== expected) throw new Error(`${way}: ${answer} for ${JSON.stringify(text)}`);
        if (expected && literals !== undefined && !literals.some((l) => fold(text).includes(l)))
          throw new Error(`literals ${literals.join()} of ${text}`);
      }
    }),
    { numRuns: Number(process.env['RULES_PROPERTY_RUNS'] ?? 4000), includeErrorInReport: true },
  );
  t.true(positives > all / 10 && positives < all * 0.95, `${positives} of ${all}`);
  t.true(byBits > all / 4, `${byBits} of ${all} by bits`);
});

test('an expression that is proven linear takes V8 at most the proven steps on hostile text', (t) => {
  fc.assert(
    fc.property(pattern, (source) => {
      const re = trim(parseRegex(source, PLAIN));
      if (linearSteps(re) === undefined) return;
      const native = new RegExp(printRegex(re), 'u');
      for (const unit of ['a', 'ab', 'b', ' ', '-', '1', 'aab ']) {
        const text = `${unit.repeat(20_000 / unit.length)}\u0001`;
        if (fastest(() => native.test(text)) > 100) throw new Error(`${source} with ${unit}`);
      }
    }),
    { numRuns: 500, includeErrorInReport: true },
  );
  t.pass();
});

test('a search that would need too many states goes on without them', (t) => {
  // The automaton of "a, then twelve characters, then b" has thousands of deterministic states.
  const search = compile('a.{12}b.*c').test;
  let seed = 7;
  const random = () => ((seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 16) & 1;
  const text = Array.from({ length: 50_000 }, () => (random() === 1 ? 'a' : 'b')).join('');
  t.false(search(text));
  t.true(search(`${text}c`));
});

test('an expression of any size that is accepted takes a bounded number of steps a character', (t) => {
  for (const source of [
    'a.{100}b.*c',
    'a.{900}b.*c',
    '(?:a|b)*a(?:a|b){600}c',
    'cmd.{0,500}power.*x',
    '(?:ab?){200}c.*d',
  ]) {
    const { test: search, spent } = compile(source);
    let seed = 7;
    const random = () => ((seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 16) & 1;
    const text = Array.from({ length: 50_000 }, () => (random() === 1 ? 'a' : 'b')).join('');
    for (const one of [text, 'a'.repeat(50_000), 'cmd'.repeat(20_000)]) {
      search(one);
      t.true(spent!() < 450 * one.length, `${source}: ${spent!() / one.length}`);
    }
  }
  for (const source of ['b(?:a?){900}c.*x', 'x.*(?:\\ba.?){200}c'])
    t.throws(() => compile(source), { message: /too many repetitions, choices or assertions/ }, source);
});

test('paths that are followed as bits go on across the words that hold them', (t) => {
  const letters = fc
    .array(fc.constantFrom('a', 'b', 'c'), { minLength: 60, maxLength: 200 })
    .map((all) => all.join(''));
  const sources = [
    'a.{30}b.*c',
    'a.{70}b',
    'a[ab]{31}c',
    'a[ab]{32}c',
    'b(?:ab?){20}c',
    'c.{0,40}a.{0,40}cc',
    '(?:a.?b.?){12}c',
    'b(?:aab|c){12}',
  ];
  let positives = 0;
  for (const source of sources) {
    const re = trim(parseRegex(source, PLAIN));
    const { bits } = new Search(compileProgram(re)!);
    const classes = classOf(re);
    const v8 = new RegExp(source);
    fc.assert(
      fc.property(letters, fc.constantFrom('', 'a', 'ab', 'aab'), (text, unit) => {
        const whole = text.slice(0, 80) + unit.repeat(25) + text.slice(80);
        positives += v8.test(whole) ? 1 : 0;
        return bits!.test(whole, classes) === v8.test(whole);
      }),
      { numRuns: 400 },
    );
  }
  t.true(positives > 300, `${positives}`);
});

test("case, lines and classes are PCRE's", (t) => {
  t.true(found('CMD', 'cmd', { ignoreCase: true }));
  t.true(found('(?i)CMD', 'cmd'));
  t.false(found('CMD', 'cmd'));
  t.true(found('straße', 'STRAßE', { ignoreCase: true }));
  t.true(found('[^x]', 'y', { ignoreCase: true }));
  t.false(found('[^x]', 'X', { ignoreCase: true }));
  t.false(found('^b$', 'a\nb'));
  t.true(found('^b$', 'a\nb', { multiline: true }));
  t.false(found('\n^', 'a\n', { multiline: true }), 'no line begins after the last line feed');
  t.true(found('^', '', { multiline: true }));
  t.true(found('^b$', 'b\n'), '$ is also before a last line feed');
  t.false(found('^b\\z', 'b\n'));
  t.false(found('a.b', 'a\nb'));
  t.true(found('a.b', 'a\rb'), 'only a line feed ends a line');
  t.true(found('a.b', 'a\nb', { dotAll: true }));
  t.false(found('\\d', '٣'), 'classes are ASCII');
  t.true(found('^.$', '😀'), 'a character is a code point');
  t.true(found('[[:alpha:]_]{2}', 'a_'));
  t.true(found('\\x41\\x{1F600}', 'A😀'));
  t.true(found('a{,2}b', 'aab'));
  t.true(found('a{x}', 'a{x}'), 'a brace that is no quantifier is a brace');
});

test('what is outside the flavour is refused with its reason and place', (t) => {
  for (const [source, message] of [
    ['(?=a)', /look-around is not supported \(character 3\)/],
    ['(?<!a)b', /look-around/],
    ['(a)\\1', /back references/],
    ['(?>a)', /atomic/],
    ['a++', /possessive/],
    ['a(?i)b', /flags are only supported at the start/],
    ['(a', /"\(" is not closed/],
    ['a)', /unexpected "\)"/],
    ['[a', /"\[" is not closed/],
    ['*a', /nothing to repeat \(character 1\)/],
    ['a**', /nothing to repeat/],
    ['[b-a]', /range is out of order/],
    ['a{3,2}', /out of order/],
    ['\\y', /unknown escape/],
    ['a\\', /backslash ends/],
    ['(?:a.*b){2000}', /too many repetitions/],
  ] as const) {
    t.throws(() => compile(source), { message }, source);
  }
});

test('literals of an expression are those that every match has', (t) => {
  const literals = (source: string) => neededLiterals(trim(parseRegex(source, PLAIN)));
  t.deepEqual(literals('net\\s+user'), ['user']);
  t.deepEqual(literals('[Rr][Uu][Nn]dll'), ['rundll']);
  t.deepEqual(literals('(?:cmd|pwsh) /c'), ['cmd /c', 'pwsh /c']);
  t.deepEqual(literals('x(?:abc|.+)'), ['x']);
  t.is(literals('[a-z]+'), undefined);
});
