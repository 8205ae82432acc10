import { fold } from '../value/fold.ts';
import type { Re } from './ast.ts';
import { size, type Ranges } from './ranges.ts';

/** More alternatives than this are no help to an index. */
const MAX_ALTERNATIVES = 16;

interface Found {
  /** Every text it can match, folded; undefined where there are too many. */
  readonly exact: readonly string[] | undefined;
  /** One of these, folded, is in every text that it matches. */
  readonly needed: readonly string[] | undefined;
}

/** Folded texts (`fold`), of which at least one is in the folded form of every text that the expression is found in. */
export function neededLiterals(re: Re): readonly string[] | undefined {
  const { exact, needed } = find(re);
  return better(exact, needed);
}

function find(re: Re): Found {
  switch (re.kind) {
    case 'set':
      return { exact: members(re.set), needed: undefined };
    case 'assert':
      return { exact: [''], needed: undefined };
    case 'seq':
      return sequence(re.items.map(find));
    case 'alt':
      return alternatives(re.options.map(find));
    case 'repeat': {
      if (re.min === 0) return { exact: undefined, needed: undefined };
      const inner = find(re.of);
      if (re.min === re.max && re.max <= 4) return sequence(Array<Found>(re.max).fill(inner));
      return { exact: undefined, needed: better(inner.exact, inner.needed) };
    }
  }
}

function members(set: Ranges): string[] | undefined {
  if (size(set) > 4 * MAX_ALTERNATIVES) return undefined;
  const texts = new Set<string>();
  for (let i = 0; i < set.length; i += 2) {
    for (let point = set[i]!; point <= set[i + 1]!; point++) texts.add(fold(String.fromCodePoint(point)));
  }
  return texts.size > 0 && texts.size <= 4 ? [...texts] : undefined;
}

function sequence(items: readonly Found[]): Found {
  let run: readonly string[] | undefined = [''];
  let allExact = true;
  let needed: readonly string[] | undefined;
  for (const item of items) {
    const joined: string[] | undefined =
      item.exact !== undefined ? run?.flatMap((a) => item.exact!.map((b) => a + b)) : undefined;
    if (joined !== undefined && joined.length <= MAX_ALTERNATIVES) {
      run = joined;
      continue;
    }
    allExact = false;
    needed = better(needed, run);
    needed = better(needed, item.needed);
    run = item.exact ?? [''];
  }
  return allExact ? { exact: run, needed: undefined } : { exact: undefined, needed: better(needed, run) };
}

function alternatives(options: readonly Found[]): Found {
  const exact = options.flatMap((o) => o.exact ?? []);
  if (options.every((o) => o.exact !== undefined) && exact.length <= MAX_ALTERNATIVES)
    return { exact: [...new Set(exact)], needed: undefined };
  const needed = options.map((o) => better(o.exact, o.needed));
  if (needed.includes(undefined)) return { exact: undefined, needed: undefined };
  const all = [...new Set(needed.flat() as string[])];
  return { exact: undefined, needed: all.length <= 2 * MAX_ALTERNATIVES ? all : undefined };
}

/** The set whose shortest text is longer; sets with an empty text say nothing. */
function better(a: readonly string[] | undefined, b: readonly string[] | undefined): readonly string[] | undefined {
  const [x, y] = [shortest(a), shortest(b)];
  if (x === 0 && y === 0) return undefined;
  return y > x || (y === x && b!.length < a!.length) ? b : a;
}

const shortest = (texts: readonly string[] | undefined) =>
  texts === undefined ? 0 : texts.reduce((least, t) => Math.min(least, t.length), Infinity);
