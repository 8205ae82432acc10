import test from 'ava';
import { parseConfig } from '../../../agent/config/load.ts';
import { formatProblem } from '../../../agent/problem.ts';
import { plain } from '../../../agent/yaml/node.ts';
import { readYaml } from '../../../agent/yaml/read.ts';
import { parseTokens } from '../../../agent/yaml/syntax.ts';
import { textOf } from '../../../agent/yaml/text.ts';
import { load, matches, refusals, ruleText, warnings } from '../rules/support.ts';

const values = (text: string) => {
  const { documents, problems } = readYaml('x.yml', text);
  return problems.length > 0 ? problems.map(formatProblem) : documents.map(plain);
};
const GOOD = ruleText('selection:\n    Image: a\ncondition: selection');
const selection = (line: string) => ruleText(`selection:\n    ${line}\ncondition: selection`);

/** Each of these would silently be another value than it looks like. */
for (const [name, line, expected] of [
  ['text that begins with a star', 'CommandLine: *evil*', /^test\.yml:6:22: .*"\*evil\*" is an alias, and no anchor/],
  ['such text in a list', 'CommandLine|contains: [a, *b]', /"\*b" is an alias/],
  ['an alias before its anchor', 'CommandLine: *b\n    Image: &b x', /"\*b" is an alias/],
  ['text that begins with an ampersand', 'CommandLine: &whoami', /the anchor "&whoami" has no alias/],
  ['such text with a value behind it', 'CommandLine: &cmd /c dir', /the anchor "&cmd" has no alias/],
  ['text that begins with an exclamation mark', 'CommandLine: !evil', /^test\.yml:6:22: the tag !evil is not read/],
  ['!!str', 'CommandLine: !!str 5', /the tag !!str is not read/],
  ['!!binary', 'CommandLine: !!binary aGk=', /the tag !!binary is not read/],
  ['!!set', 'CommandLine: !!set { a, b }', /the tag !!set is not read/],
  ['!!omap', 'CommandLine: !!omap [a: b]', /the tag !!omap is not read/],
  ['!!timestamp', 'CommandLine: !!timestamp 2024-01-01', /the tag !!timestamp is not read/],
  ['the tag "!"', 'CommandLine: ! x', /the tag ! is not read/],
  ['a tag on a key', '!!str CommandLine: x', /the tag !!str is not read/],
  ['a key that stands twice', 'CommandLine: a\n    CommandLine: b', /the key "CommandLine" stands here twice/],
  ['a key that is a list', '? [a]\n    : b', /a key must be a plain value/],
  ['a key that is an alias', 'Image: &k x\n    *k : b', /a key must be a plain value/],
] as const) {
  test(`${name} is refused by name`, (t) => {
    const [refused] = refusals(selection(line));
    t.regex(refused!, expected);
  });
}

test('a faulty value in a key that nobody reads refuses that document alone', (t) => {
  const set = load(`${GOOD.replace('title: Test', 'title: Odd\nx_notes: !!omap')}---\n${GOOD}`);
  t.deepEqual(
    [set.rules.map(({ title }) => title), set.refused.map(({ problems }) => problems[0]!.message)],
    [['Test'], ['the tag !!omap is not read; a text that begins with "!" needs quotation marks']],
  );
});

test('a value that is left empty is null, and a warning says so', (t) => {
  t.regex(
    warnings(selection('CommandLine:'))[0]!,
    /selection\.CommandLine: nothing stands here, which means a missing/,
  );
  t.regex(warnings(selection('CommandLine: # evil'))[0]!, /nothing stands here/);
  t.regex(warnings(selection('CommandLine: [a, ]\n    Image:'))[0]!, /selection\.Image: nothing stands here/);
  t.deepEqual(warnings(selection('CommandLine: null')), []);
  t.deepEqual(warnings(selection('CommandLine: ~')), []);
});

test('anchors, aliases and merge keys are done right', (t) => {
  t.deepEqual(values('a: &x 1\nb: *x\nc: &x 2\nd: *x\n'), [{ a: 1, b: 1, c: 2, d: 2 }]);
  t.deepEqual(values('base: &b { k: 1, l: 2 }\nmore: { <<: *b, l: 3 }\n'), [
    { base: { k: 1, l: 2 }, more: { l: 3, k: 1 } },
  ]);
  t.deepEqual(values('- &a { k: 1 }\n- &b { k: 2, l: 2 }\n- { <<: [*a, *b] }\n'), [
    [{ k: 1 }, { k: 2, l: 2 }, { k: 1, l: 2 }],
  ]);
  t.deepEqual(values('a: { "<<": 1 }\n'), [{ a: { '<<': 1 } }]);
  t.deepEqual(values('a: { <<: 1 }\n'), ['x.yml:1:10: a: the merge key "<<" needs a map, or a list of maps']);
  t.deepEqual(values('a: { <<: *b }\n'), [
    'x.yml:1:10: a: "*b" is an alias, and no anchor of that name stands before it; a text that begins with "*" needs quotation marks',
  ]);
  t.deepEqual(values('a: &a [*a]\n'), ['x.yml:1:7: a[0]: an alias stands for what it is a part of']);
  const detection =
    'base: &base\n    Image: a\nmore:\n    <<: *base\n    User: b\ncondition: more or not base and not more';
  t.true(matches(detection, { Image: 'a', User: 'b' }));
  t.false(matches(detection, { Image: 'a', User: 'c' }));
});

test('an inner anchor stands for what it stood for where its alias was written', (t) => {
  t.deepEqual(values('- &v 1\n- &m { x: *v }\n- &v 2\n- *m\n- *v\n'), [[1, { x: 1 }, 2, { x: 1 }, 2]]);
});

test('keys are what is written, whatever number they look like', (t) => {
  t.deepEqual(values('1.10: a\n0x10: b\n"true": c\n'), [{ '1.10': 'a', '0x10': 'b', 'true': 'c' }]);
});

test('names of the prototype are names', (t) => {
  const text = '__proto__: { x: 1 }\nconstructor: 2\nhasOwnProperty: 3\n';
  const [value] = values(text) as [Record<string, unknown>];
  t.deepEqual(Object.keys(value), ['__proto__', 'constructor', 'hasOwnProperty']);
  t.is(({} as Record<string, unknown>)['x'], undefined);
});

test('directives change the language, so they are refused, except the one that says what holds anyway', (t) => {
  t.regex(String(values('%YAML 1.1\n---\na: yes\n')[0]), /^x\.yml:1:1: the directive %YAML 1\.1 is not read/);
  t.regex(String(values('%TAG ! !evil-\n---\na: b\n')[0]), /the directive %TAG/);
  t.deepEqual(values('%YAML 1.2\n---\na: yes\n'), [{ a: 'yes' }]);
});

for (const [name, text] of [
  ['brackets', '['.repeat(5000)],
  ['brackets in a key', `a: ${'['.repeat(5000)}${']'.repeat(5000)}`],
  ['braces', '{a: '.repeat(5000)],
  ['dashes', '- '.repeat(5000)],
  ['lines', Array.from({ length: 3000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
  ['question marks', '? '.repeat(5000)],
  ['keys on one line', 'a: '.repeat(5000)],
] as const) {
  test(`5,000 nested ${name} are nested too deeply`, (t) => {
    t.regex(String(values(text)[0]), /nested too deeply/);
    const config = parseConfig(text, 'agent.yaml');
    t.regex(config.ok ? '' : config.problems.map(({ message }) => message).join(), /nested too deeply/);
  });
}

test('64 levels are not too deep', (t) => {
  t.is((values(`${'['.repeat(64)}${']'.repeat(64)}`)[0] as unknown[]).length, 1);
  t.regex(String(values(`${'['.repeat(65)}${']'.repeat(65)}`)[0]), /nested too deeply/);
});

test('nothing is parsed behind what is nested too deeply', (t) => {
  for (const open of ['[', '{ a:', '? ', '- ']) {
    let lines = 0;
    const text = Array.from({ length: 5000 }, (_, i) => `${open.trim() === open ? '' : ' '.repeat(i)}${open}`).join(
      '\n',
    );
    const tokens = [...parseTokens(text, () => lines++)];
    t.deepEqual(tokens, []);
    t.true(lines < 100, `${open} ${lines}`);
  }
});

test('documents before it are read, and its place is told', (t) => {
  const { documents, problems } = readYaml('x.yml', `a: b\n---\nc: ${'['.repeat(5000)}`);
  t.deepEqual(documents.map(plain), [{ a: 'b' }]);
  t.deepEqual(problems.map(formatProblem), [
    'x.yml:3:67: nested too deeply: more than 64 lists and maps inside each other',
  ]);
});

test('a reader of faulty files leaves errors their stacks', (t) => {
  const before = Error.stackTraceLimit;
  t.true(before > 0);
  for (const text of ['[,,,', '[', '*', ': a: b', '['.repeat(100)]) readYaml('x.yml', text);
  t.is(Error.stackTraceLimit, before);
});

for (const [name, character, message] of [
  ['a NUL', '\0', /^x\.yml:2:5: a NUL character U\+0000 is not allowed in YAML/],
  ['an escape', '\x1b', /U\+001B is not allowed/],
  ['a lone surrogate', '\ud800', /U\+D800 is not allowed/],
  ['U+FFFF', '\uffff', /U\+FFFF is not allowed/],
] as const) {
  test(`${name} in the text is refused at its place`, (t) => {
    t.regex(String(values(`a: b\nc: d${character}\n`)[0]), name === 'a NUL' ? /^x\.yml:2:5:/ : message);
    t.regex(String(values(`a: b\nc: d${character}\n`)[0]), message);
  });
}

test('an encoding other than UTF-8 is named', (t) => {
  const text = 'log: {}\n';
  const mark = '\ufeff';
  const utf16be = (s: string) => Buffer.from(s, 'utf16le').swap16();
  const utf32 = (s: string, big: boolean) =>
    Buffer.concat(
      [...s].map((c) => {
        const unit = Buffer.alloc(4);
        if (big) unit.writeUInt32BE(c.codePointAt(0)!);
        else unit.writeUInt32LE(c.codePointAt(0)!);
        return unit;
      }),
    );
  const message = (bytes: Buffer) => t.throws(() => textOf(bytes)).message;
  for (const bytes of [
    Buffer.from(mark + text, 'utf16le'),
    utf16be(mark + text),
    Buffer.from(text, 'utf16le'),
    utf16be(text),
  ])
    t.is(message(bytes), 'expected UTF-8, found UTF-16; save the file as UTF-8');
  for (const bytes of [utf32(mark + text, true), utf32(mark + text, false), utf32(text, true), utf32(text, false)])
    t.is(message(bytes), 'expected UTF-8, found UTF-32; save the file as UTF-8');
  t.is(message(Buffer.from([0x61, 0xe9])), 'expected UTF-8, found something else; save the file as UTF-8');
  t.is(textOf(Buffer.from(mark + text)), text);
  t.is(textOf(Buffer.from('')), '');
});

test('a tab that indents is an error with a place', (t) => {
  t.regex(String(values('a:\n\tb: c\n')[0]), /^x\.yml:2:1: not valid YAML: Tabs are not allowed/);
});

test('very long lines and many keys take time in proportion to their length', (t) => {
  const long = 'x'.repeat(900_000);
  t.deepEqual(values(`a: ${long}\n`), [{ a: long }]);
  const many = Array.from({ length: 60_000 }, (_, i) => `k${i}: 1`);
  t.is(Object.keys(values(`{${many.join(', ')}}`)[0] as object).length, 60_000);
  const aliases = `- &a x\n${'- *a\n'.repeat(60_000)}`;
  t.is((values(aliases)[0] as unknown[]).length, 60_001);
});
