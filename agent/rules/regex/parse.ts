import { alt, repeat, seq, type Assertion, type Re } from './ast.ts';
import {
  complement,
  DIGIT,
  EVERYTHING,
  NEWLINE,
  SPACE,
  union,
  unionOf,
  withCases,
  WORD,
  type Ranges,
} from './ranges.ts';

/** An expression that is not in the flavour; the message names the reason and the place. */
export class RegexError extends Error {
  override readonly name = 'RegexError';
}

export interface Flags {
  readonly ignoreCase: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
}

const MAX_DEPTH = 100;
const MAX_REPEAT = 65_535;

const CONTROL: Readonly<Record<string, number>> = { t: 9, n: 10, f: 12, r: 13, a: 7, e: 27 };
/** PCRE's `\h` and `\v` hold more than ASCII whatever its options are (pcre2pattern, "Generic character types"). */
const HORIZONTAL = union(
  [0x09, 0x09],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x180e, 0x180e],
  [0x2000, 0x200a],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
);
const VERTICAL: Ranges = [0x0a, 0x0d, 0x85, 0x85, 0x2028, 0x2029];
const CLASSES: Readonly<Record<string, Ranges>> = {
  d: DIGIT,
  D: complement(DIGIT),
  w: WORD,
  W: complement(WORD),
  s: SPACE,
  S: complement(SPACE),
  h: HORIZONTAL,
  H: complement(HORIZONTAL),
  v: VERTICAL,
  V: complement(VERTICAL),
};
/** Escapes of PCRE that are not in the flavour, by their names. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  R: '\\R is not supported; write (?:\\r\\n|\\n|\\r)',
  K: '\\K is not supported: a rule asks whether something is found, not where',
  G: '\\G is not supported: a search begins at the start of the value',
  X: '\\X is not supported; write .',
  C: '\\C is not supported: values are text, not bytes',
  p: 'Unicode properties (\\p) are not supported',
  P: 'Unicode properties (\\P) are not supported',
  k: 'back references are not supported',
  g: 'back references are not supported',
};
const ASSERTIONS: Readonly<Record<string, Assertion>> = {
  b: 'word',
  B: 'not_word',
  A: 'start',
  z: 'very_end',
  Z: 'end',
};
const POSIX: Readonly<Record<string, Ranges>> = {
  alnum: [0x30, 0x39, 0x41, 0x5a, 0x61, 0x7a],
  alpha: [0x41, 0x5a, 0x61, 0x7a],
  digit: DIGIT,
  lower: [0x61, 0x7a],
  upper: [0x41, 0x5a],
  space: SPACE,
  word: WORD,
  ascii: [0, 0x7f],
  xdigit: [0x30, 0x39, 0x41, 0x46, 0x61, 0x66],
  punct: [0x21, 0x2f, 0x3a, 0x40, 0x5b, 0x60, 0x7b, 0x7e],
  blank: [9, 9, 0x20, 0x20],
  cntrl: [0, 0x1f, 0x7f, 0x7f],
  graph: [0x21, 0x7e],
  print: [0x20, 0x7e],
};

/**
 * Reads the flavour of the modifiers appendix, PCRE without look-around, back
 * references, atomic groups and possessive quantifiers: what is left can always be searched in linear time.
 * `\d`, `\w`, `\s` and `\b` are ASCII, as in PCRE without Unicode properties.
 * @throws {RegexError}
 */
export function parseRegex(source: string, flags: Flags): Re {
  return new Parser(source, flags).parse();
}

/** An expression without `\Q…\E`: each character, and its place in what was written. */
function unquote(source: string): { points: string[]; places: number[] } {
  const points: string[] = [];
  const places: number[] = [];
  let quoted = false;
  const all = [...source];
  for (let i = 0; i < all.length; i++) {
    const [c, next] = [all[i]!, all[i + 1]];
    if (c === '\\' && (next === 'E' || (!quoted && next === 'Q'))) {
      quoted = next === 'Q';
      i++;
    } else if (c === '\\' && !quoted && next !== undefined) {
      points.push(c, next);
      places.push(i, ++i);
    } else {
      if (quoted && !/[A-Za-z0-9]/.test(c)) {
        points.push('\\');
        places.push(i);
      }
      points.push(c);
      places.push(i);
    }
  }
  places.push(all.length);
  return { points, places };
}

class Parser {
  readonly #points: readonly string[];
  readonly #places: readonly number[];
  #flags: Flags;
  #at = 0;
  #depth = 0;

  constructor(source: string, flags: Flags) {
    const { points, places } = unquote(source);
    this.#points = points;
    this.#places = places;
    this.#flags = flags;
  }

  parse(): Re {
    this.#leadingFlags();
    const re = this.#alternatives();
    if (this.#at < this.#points.length) this.#fail('unexpected ")"');
    return re;
  }

  /** `(?i)` at the very start; anywhere else it would change its meaning between engines. */
  #leadingFlags(): void {
    const found = /^\(\?([ims]+)\)/.exec(this.#points.slice(0, 8).join(''));
    if (found === null) return;
    const letters = found[1]!;
    this.#flags = {
      ignoreCase: this.#flags.ignoreCase || letters.includes('i'),
      multiline: this.#flags.multiline || letters.includes('m'),
      dotAll: this.#flags.dotAll || letters.includes('s'),
    };
    this.#at = found[0].length;
  }

  #alternatives(): Re {
    if (++this.#depth > MAX_DEPTH) this.#fail(`groups nested deeper than ${MAX_DEPTH}`);
    const options = [this.#sequence()];
    while (this.#take('|')) options.push(this.#sequence());
    this.#depth--;
    return alt(options);
  }

  #sequence(): Re {
    const items: Re[] = [];
    for (;;) {
      const c = this.#points[this.#at];
      if (c === undefined || c === '|' || c === ')') return seq(items);
      items.push(this.#quantified());
    }
  }

  #quantified(): Re {
    const atom = this.#atom();
    const bounds = this.#quantifier();
    if (bounds === undefined) return atom;
    const [min, max] = bounds;
    if (min > max) this.#fail(`{${min},${max}} is out of order`);
    if (min > MAX_REPEAT || (max !== Infinity && max > MAX_REPEAT)) this.#fail(`more than ${MAX_REPEAT} repetitions`);
    if (this.#take('+')) this.#fail('possessive quantifiers are not supported');
    this.#take('?');
    if (this.#quantifier() !== undefined) this.#fail('nothing to repeat');
    // An assertion consumes nothing: once is as good as often.
    return atom.kind === 'assert' ? repeat(atom, Math.min(1, min), 1) : repeat(atom, min, max);
  }

  #quantifier(): [number, number] | undefined {
    if (this.#take('*')) return [0, Infinity];
    if (this.#take('+')) return [1, Infinity];
    if (this.#take('?')) return [0, 1];
    if (this.#points[this.#at] !== '{') return undefined;
    const found = /^\{(?:(\d{1,6})(,(\d{1,6})?)?|,(\d{1,6}))\}/.exec(
      this.#points.slice(this.#at, this.#at + 16).join(''),
    );
    // As in PCRE, a brace that is no quantifier is a brace.
    if (found === null) return undefined;
    this.#at += found[0].length;
    const [, least, comma, most, only] = found;
    if (only !== undefined) return [0, Number(only)];
    return [Number(least), comma === undefined ? Number(least) : most === undefined ? Infinity : Number(most)];
  }

  #atom(): Re {
    const c = this.#points[this.#at++]!;
    switch (c) {
      case '(':
        return this.#group();
      case '[':
        return { kind: 'set', set: this.#class() };
      case '.':
        return { kind: 'set', set: this.#flags.dotAll ? EVERYTHING : complement(NEWLINE) };
      case '^':
        return { kind: 'assert', at: this.#flags.multiline ? 'line_start' : 'start' };
      case '$':
        return { kind: 'assert', at: this.#flags.multiline ? 'line_end' : 'end' };
      case '*':
      case '+':
      case '?':
        return this.#fail('nothing to repeat', this.#at - 1);
      case '\\':
        return this.#escape();
      default:
        return this.#literal(c.codePointAt(0)!);
    }
  }

  #literal(point: number): Re {
    return { kind: 'set', set: this.#cases([point, point]) };
  }

  #cases(set: Ranges): Ranges {
    return this.#flags.ignoreCase ? withCases(set) : set;
  }

  #group(): Re {
    if (this.#take('?')) {
      const rest = this.#points.slice(this.#at, this.#at + 40).join('');
      const named = /^(?:P?<[A-Za-z_]\w*>|'[A-Za-z_]\w*')/.exec(rest);
      if (named !== null) this.#at += named[0].length;
      else if (this.#take(':')) void 0;
      else if (/^(?:<?[=!])/.test(rest)) this.#fail('look-around is not supported');
      else if (rest.startsWith('>')) this.#fail('atomic groups are not supported');
      else if (rest.startsWith('#')) this.#fail('comments are not supported');
      else if (rest.startsWith('P=')) this.#fail('back references are not supported');
      else if (rest.startsWith('(')) this.#fail('conditions are not supported');
      else if (rest.startsWith('|')) this.#fail('groups that share numbers are not supported; write (?:');
      else if (/^(?:R|[-+]?\d|&|P>)/.test(rest)) this.#fail('recursion is not supported');
      else this.#fail('flags are only supported at the start, as (?i), (?m) or (?s)');
    }
    if (this.#points[this.#at] === '*') this.#fail('verbs such as (*SKIP) are not supported');
    const inner = this.#alternatives();
    if (!this.#take(')')) this.#fail('a "(" is not closed');
    return inner;
  }

  #escape(): Re {
    const c = this.#points[this.#at];
    if (c === undefined) return this.#fail('a backslash ends the expression');
    const assertion = ASSERTIONS[c];
    if (assertion !== undefined && Object.hasOwn(ASSERTIONS, c)) {
      this.#at++;
      return { kind: 'assert', at: assertion };
    }
    if (Object.hasOwn(CLASSES, c)) {
      this.#at++;
      return { kind: 'set', set: CLASSES[c]! };
    }
    // `\N{2}` is repeated, `\N{U+41}` is a character.
    const behind = this.#points.slice(this.#at + 1, this.#at + 16).join('');
    if (c === 'N' && !/^\{(?!\d*,?\d*\})/.test(behind)) {
      this.#at++;
      return { kind: 'set', set: complement(NEWLINE) };
    }
    // With two digits or more, PCRE decides by the number of groups.
    if (/[1-9]/.test(c)) return this.#fail('back references are not supported; write a character as \\x0a or \\012');
    return this.#literal(this.#escapedPoint());
  }

  /** After a backslash: one character. */
  #escapedPoint(): number {
    const c = this.#points[this.#at++];
    if (c === undefined) return this.#fail('a backslash ends the expression');
    if (Object.hasOwn(CONTROL, c)) return CONTROL[c]!;
    if (Object.hasOwn(UNSUPPORTED, c)) return this.#fail(UNSUPPORTED[c]!, this.#at - 1);
    if (c === 'x') return this.#code('x', /^(?:\{([0-9a-f]{1,6})\}|([0-9a-f]{1,2}))/i, 16);
    if (c === 'u') return this.#code('u', /^(?:\{([0-9a-f]{1,6})\}|([0-9a-f]{4}))/i, 16);
    if (c === 'o') return this.#code('o', /^\{([0-7]{1,7})\}/, 8);
    if (c === 'N') return this.#code('N', /^\{U\+([0-9a-f]{1,6})\}/i, 16);
    if (c === 'c') return this.#control();
    if (/[0-7]/.test(c)) {
      this.#at--;
      return this.#code(c, /^([0-7]{1,3})/, 8);
    }
    if (/[A-Za-z0-9]/.test(c)) return this.#fail(`unknown escape \\${c}`, this.#at - 1);
    return c.codePointAt(0)!;
  }

  /** A character by its number. */
  #code(name: string, form: RegExp, base: 8 | 16): number {
    const found = form.exec(this.#points.slice(this.#at, this.#at + 12).join(''));
    const point = found === null ? Infinity : Number.parseInt(found[1] ?? found[2]!, base);
    if (found === null || point > 0x10ffff)
      return this.#fail(`\\${name} needs ${base === 8 ? 'octal' : 'hexadecimal'} digits of a character`);
    this.#at += found[0].length;
    return point;
  }

  /** `\cA` is Ctrl+A: the letter in capitals with bit 6 turned over. */
  #control(): number {
    const c = this.#points[this.#at++];
    if (c === undefined || !/^[ -~]$/.test(c)) return this.#fail('\\c needs a printable ASCII character');
    return c.toUpperCase().charCodeAt(0) ^ 0x40;
  }

  #class(): Ranges {
    const start = this.#at - 1;
    if (/^:\^?[a-z]+:\]/.test(this.#points.slice(this.#at, this.#at + 16).join('')))
      return this.#fail('a POSIX class stands inside of another pair of brackets: [[:alpha:]]', start);
    const negated = this.#take('^');
    const parts: Ranges[] = [];
    for (let first = true; ; first = false) {
      const c = this.#points[this.#at];
      if (c === undefined) return this.#fail('a "[" is not closed', start);
      if (c === ']' && !first) break;
      parts.push(this.#classPart());
    }
    this.#at++;
    const set = this.#cases(unionOf(parts));
    return negated ? complement(set) : set;
  }

  #classPart(): Ranges {
    const from = this.#classAtom();
    if (typeof from !== 'number') return from;
    if (
      this.#points[this.#at] !== '-' ||
      this.#points[this.#at + 1] === ']' ||
      this.#points[this.#at + 1] === undefined
    )
      return [from, from];
    const dash = this.#at++;
    const to = this.#classAtom();
    // `[a-\d]`: PCRE takes the dash for itself.
    if (typeof to !== 'number') return union([from, from], [0x2d, 0x2d], to);
    if (to < from) this.#fail('a range is out of order', dash);
    return [from, to];
  }

  #classAtom(): number | Ranges {
    const c = this.#points[this.#at++]!;
    if (c === '[') {
      const found = /^([:.=])(\^?)([^\\[\]]*?)\1\]/.exec(this.#points.slice(this.#at, this.#at + 20).join(''));
      if (found !== null) {
        const [whole, kind, negation, name] = found as unknown as [string, string, string, string];
        if (kind !== ':') return this.#fail(`collating elements, as [${kind}${name}${kind}], are not supported`);
        const set = Object.hasOwn(POSIX, name) ? POSIX[name] : undefined;
        if (set === undefined) return this.#fail(`unknown class [:${name}:]`);
        this.#at += whole.length;
        return negation === '^' ? complement(set) : set;
      }
    }
    if (c !== '\\') return c.codePointAt(0)!;
    const escaped = this.#points[this.#at];
    if (escaped !== undefined && Object.hasOwn(CLASSES, escaped)) {
      this.#at++;
      return CLASSES[escaped]!;
    }
    if (escaped === 'b') {
      this.#at++;
      return 8;
    }
    if (escaped === 'N' && this.#points[this.#at + 1] !== '{') return this.#fail('\\N cannot stand in brackets');
    return this.#escapedPoint();
  }

  #take(c: string): boolean {
    if (this.#points[this.#at] !== c) return false;
    this.#at++;
    return true;
  }

  #fail(message: string, at = this.#at): never {
    throw new RegexError(`regular expression: ${message} (character ${(this.#places[at] ?? at) + 1})`);
  }
}
