import { unionOf, type Ranges } from './ranges.ts';

/**
 * A regular expression without groups' numbers and without greed: rules ask
 * whether it is found, never where, so neither changes an answer.
 */
export type Re =
  | { readonly kind: 'set'; readonly set: Ranges }
  | { readonly kind: 'seq'; readonly items: readonly Re[] }
  | { readonly kind: 'alt'; readonly options: readonly Re[] }
  | { readonly kind: 'repeat'; readonly of: Re; readonly min: number; readonly max: number }
  | { readonly kind: 'assert'; readonly at: Assertion };

/** `end` is also before a line feed that ends the text, as in PCRE; `very_end` is not. `line_start` is not after that line feed. */
export type Assertion = 'start' | 'end' | 'very_end' | 'line_start' | 'line_end' | 'word' | 'not_word';

const NOTHING: Re = { kind: 'seq', items: [] };

export function seq(items: readonly Re[]): Re {
  const flat = items.flatMap((item) => (item.kind === 'seq' ? item.items : [item]));
  return flat.length === 1 ? flat[0]! : { kind: 'seq', items: flat };
}

/** Of single characters it is a set. */
export function alt(options: readonly Re[]): Re {
  const sets = options.flatMap((option) => (option.kind === 'set' ? [option.set] : []));
  if (sets.length === options.length && sets.length > 1) return { kind: 'set', set: unionOf(sets) };
  return options.length === 1 ? options[0]! : { kind: 'alt', options };
}

export function repeat(of: Re, min: number, max: number): Re {
  if (max === 0 || (of.kind === 'seq' && of.items.length === 0)) return NOTHING;
  return min === 1 && max === 1 ? of : { kind: 'repeat', of, min, max };
}

/** Whether it can match the empty text. */
export function nullable(re: Re): boolean {
  switch (re.kind) {
    case 'set':
      return false;
    case 'assert':
      return true;
    case 'seq':
      return re.items.every(nullable);
    case 'alt':
      return re.options.some(nullable);
    case 'repeat':
      return re.min === 0 || nullable(re.of);
  }
}

/**
 * Simplifies an expression that only has to be found: at its ends, it needs
 * only the fewest repetitions (`a+b.*` is found where `ab` is).
 */
export function trim(re: Re): Re {
  return trimEnd(trimEnd(re, 'first'), 'last');
}

function trimEnd(re: Re, end: 'first' | 'last'): Re {
  if (re.kind === 'repeat') {
    if (re.min === 0) return NOTHING;
    const once = trimEnd(re.of, end);
    const rest = repeat(re.of, re.min - 1, re.min - 1);
    return seq(end === 'first' ? [once, rest] : [rest, once]);
  }
  if (re.kind === 'alt') return alt(re.options.map((option) => trimEnd(option, end)));
  if (re.kind !== 'seq') return re;
  const items = [...re.items];
  const take = () => (end === 'first' ? items.shift() : items.pop());
  for (let item = take(); item !== undefined; item = take()) {
    const trimmed = trimEnd(item, end);
    const gone = trimmed.kind === 'seq' && trimmed.items.length === 0;
    if (!gone) return seq(end === 'first' ? [trimmed, ...items] : [...items, trimmed]);
  }
  return NOTHING;
}
