import test from 'ava';
import { compileRegex } from '../../../../agent/rules/regex/matcher.ts';

const FLAGS = { ignoreCase: false, multiline: false, dotAll: false };
const isWhole = (source: string, text: string): boolean => compileRegex(`^(?:${source})\\z`, FLAGS).test(text);

/** The characters that an escape matches by pcre2pattern(3), and those that it does not. */
const RIGHT: readonly [source: string, yes: readonly string[], no: readonly string[]][] = [
  ['\\012', ['\n'], ['\x0012', '\x012']],
  ['\\0', ['\0'], ['0']],
  ['\\01', ['\x01'], ['\x001']],
  ['\\0123', ['\n3'], ['\x00123']],
  ['\\08', ['\x008'], ['8']],
  ['[\\012]', ['\n'], ['0', '1', '2', '\0']],
  ['[\\12]', ['\n'], ['1', '2']],
  ['[\\101-\\103]', ['A', 'B', 'C'], ['1', '-', 'D']],
  ['\\o{101}', ['A'], ['o']],
  ['\\x41', ['A'], []],
  ['\\x4', ['\x04'], []],
  ['\\x4z', ['\x04z'], []],
  ['\\x{1F600}', ['😀'], []],
  ['\\N{U+41}', ['A'], ['N']],
  ['\\cA', ['\x01'], ['cA', 'A']],
  ['\\ca', ['\x01'], []],
  ['\\c[', ['\x1b'], []],
  ['[\\cZ]', ['\x1a'], ['c', 'Z']],
  ['\\a\\e\\f\\n\\r\\t', ['\x07\x1b\f\n\r\t'], []],
  ['\\h', [' ', '\t', '\u00a0', '\u2003', '\u3000'], ['\n', 'h', '\u200b']],
  ['\\H', ['h', '\n'], [' ', '\u00a0']],
  ['\\v', ['\v', '\n', '\f', '\r', '\x85', '\u2028', '\u2029'], ['v', ' ']],
  ['\\V', ['v', ' '], ['\n', '\u2028']],
  ['[\\h\\v]', [' ', '\n', '\u00a0'], ['x']],
  ['\\N', ['a', '\r'], ['\n']],
  ['\\N{2}', ['ab'], ['a']],
  ['\\s', [' ', '\v'], ['\u00a0']],
  ['[\\b]', ['\b'], ['b']],
  ['\\Qa.b*\\E+', ['a.b*', 'a.b**'], ['axb', 'a.b']],
  ['a\\Eb', ['ab'], []],
  ['\\Q\\\\E', ['\\'], ['E']],
  ['[\\Q]-a\\E]', [']', '-', 'a'], ['^', 'E', 'Q']],
  ['[[:ascii:]]', ['\0', '~'], ['é']],
  ['[[:^digit:]]', ['a'], ['1']],
  ['[[:alpha:]_]', ['a', '_'], ['1', ':']],
  ["(?'name'a)", ['a'], []],
  ['\\_\\-\\é', ['_-é'], []],
];

for (const [source, yes, no] of RIGHT) {
  test(`${source} means what it means in PCRE`, (t) => {
    for (const text of yes) t.true(isWhole(source, text), JSON.stringify(text));
    for (const text of no) t.false(isWhole(source, text), JSON.stringify(text));
  });
}

const REFUSED: readonly [source: string, message: RegExp][] = [
  ['a\\R', /\\R is not supported; write .* \(character 3\)$/],
  ['\\K', /\\K is not supported/],
  ['\\Ga', /\\G is not supported/],
  ['\\X', /\\X is not supported/],
  ['\\C', /\\C is not supported/],
  ['\\p{L}', /Unicode properties/],
  ['[\\P{L}]', /Unicode properties/],
  ['(a)\\1', /back references are not supported/],
  ['\\12', /back references are not supported; write a character as \\x0a or \\012/],
  ['\\g{1}', /back references/],
  ['\\k<a>', /back references/],
  ['(?P=a)', /back references/],
  ['[\\8]', /unknown escape \\8/],
  ['[\\B]', /unknown escape \\B/],
  ['[\\R]', /\\R is not supported/],
  ['[\\N]', /\\N cannot stand in brackets/],
  ['\\N{name}', /\\N needs hexadecimal digits/],
  ['\\x{110000}', /\\x needs hexadecimal digits/],
  ['\\xg', /\\x needs hexadecimal digits/],
  ['\\o{8}', /\\o needs octal digits/],
  ['\\o12', /\\o needs octal digits/],
  ['\\cé', /\\c needs a printable ASCII character/],
  ['\\L', /unknown escape \\L/],
  ['[[:foo:]]', /unknown class \[:foo:\]/],
  ['[[:ALPHA:]]', /unknown class \[:ALPHA:\]/],
  ['[[:<:]]a', /unknown class \[:<:\]/],
  ['[[.a.]]', /collating elements/],
  ['[[=a=]]', /collating elements/],
  ['[:alpha:]', /a POSIX class stands inside of another pair of brackets/],
  ['(?#x)', /comments are not supported/],
  ['(?R)', /recursion is not supported/],
  ['(?1)', /recursion is not supported/],
  ['(?&a)', /recursion is not supported/],
  ['(?(1)a)', /conditions are not supported/],
  ['(?|a|b)', /groups that share numbers/],
  ['(*SKIP)', /verbs/],
  ['(?=a)', /look-around/],
  ['(?>a)', /atomic groups/],
  ['a++', /possessive/],
  ['\\Qa\\E(', /a "\(" is not closed \(character 7\)$/],
];

for (const [source, message] of REFUSED) {
  test(`${source} is refused by name`, (t) => {
    t.throws(() => compileRegex(source, FLAGS), { message });
  });
}
