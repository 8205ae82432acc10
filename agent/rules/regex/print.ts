import type { Assertion, Re } from './ast.ts';
import { EVERYTHING, type Ranges } from './ranges.ts';

/**
 * JavaScript's text for each assertion; `$` of JavaScript does not know about a last line feed.
 * Nothing is negated: V8 also tries places inside a surrogate pair, where `\B` and every negated look-around are true.
 */
const ASSERT: Readonly<Record<Assertion, string>> = {
  start: '^',
  end: '(?=\\n?$)',
  very_end: '$',
  line_start: '(?:^|(?<=\\n)(?=[^]))',
  line_end: '(?=\\n|$)',
  word: '\\b',
  not_word: '(?:(?<=\\w)(?=\\w)|(?<=^|\\W)(?=\\W|$))',
};

/**
 * The same expression for JavaScript's RegExp with the flag `u`. Case, lines
 * and classes are all written out, so that V8 and our own search cannot differ in what a flag means.
 */
export function printRegex(re: Re): string {
  switch (re.kind) {
    case 'set':
      return printSet(re.set);
    case 'assert':
      return ASSERT[re.at];
    case 'seq':
      return re.items.map((item) => (item.kind === 'alt' ? `(?:${printRegex(item)})` : printRegex(item))).join('');
    case 'alt':
      return re.options.map(printRegex).join('|');
    case 'repeat': {
      const inner = re.of.kind === 'set' ? printRegex(re.of) : `(?:${printRegex(re.of)})`;
      return inner + quantifier(re.min, re.max);
    }
  }
}

function quantifier(min: number, max: number): string {
  if (max === Infinity) return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`;
  if (min === max) return `{${min}}`;
  return min === 0 && max === 1 ? '?' : `{${min},${max}}`;
}

function printSet(set: Ranges): string {
  if (set.length === 0) return '[]';
  if (set.length === 2 && set[0] === set[1]) return point(set[0]!);
  if (set === EVERYTHING || (set.length === 2 && set[0] === 0 && set[1] === 0x10ffff)) return '[^]';
  let inner = '';
  for (let i = 0; i < set.length; i += 2)
    inner += set[i] === set[i + 1] ? point(set[i]!) : `${point(set[i]!)}-${point(set[i + 1]!)}`;
  return `[${inner}]`;
}

function point(code: number): string {
  const text = String.fromCodePoint(code);
  return /^[A-Za-z0-9 ]$/.test(text) ? text : `\\u{${code.toString(16)}}`;
}
