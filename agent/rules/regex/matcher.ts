import { nullable, trim, type Re } from './ast.ts';
import { linearSteps } from './linear.ts';
import { neededLiterals } from './literals.ts';
import { parseRegex, RegexError, type Flags } from './parse.ts';
import { printRegex } from './print.ts';
import { compileProgram } from './program.ts';
import { has, type Ranges } from './ranges.ts';
import { Search } from './search.ts';

/** Instructions of a program whose paths must be followed one by one. SigmaHQ's have 70 at most. */
const MAX_WITHOUT_BITS = 300;

export interface RegexMatcher {
  /** Whether the expression is found in the text. Time is linear in the text. */
  readonly test: (text: string) => boolean;
  /** Folded texts (`fold`), of which one is in the folded form of every text it is found in; undefined where there are none. */
  readonly literals: readonly string[] | undefined;
  /** Steps that the last test took beyond a few a character; absent where there are never more. */
  readonly spent?: () => number;
  /** Instructions of the automaton; absent for the other engines. */
  readonly size?: number;
  /** `run`: one repeated set, counted. `native`: V8's RegExp, proven linear. `automaton`: our own search. */
  readonly engine: 'always' | 'run' | 'native' | 'automaton';
}

/**
 * Chooses how an expression is searched. One parser feeds the proof, the
 * literals and both searches, so they cannot disagree about what an expression means; a ready-made linear engine (re2js
 * was tried) brings a second dialect, takes longer for `.{1000,}`, and would be a dependency for a few hundred lines.
 * @throws {RegexError} outside the flavour, or too large to search in bounded time
 */
export function compileRegex(source: string, flags: Flags): RegexMatcher {
  const re = trim(parseRegex(source, flags));
  const literals = neededLiterals(re);
  if (isEmpty(re)) return { test: () => true, literals, engine: 'always' };
  const run = repeatedSet(re);
  if (run !== undefined) return { test: (text) => hasRun(text, run.set, run.times), literals, engine: 'run' };
  if (linearSteps(re) !== undefined) {
    const native = new RegExp(printRegex(re), 'u');
    return { test: (text) => native.test(text), literals, engine: 'native' };
  }
  const program = compileProgram(re);
  if (program === undefined) throw new RegexError('regular expression: too many repetitions to search in bounded time');
  const search = new Search(program);
  if (search.bits === undefined && program.code.length > MAX_WITHOUT_BITS)
    throw new RegexError('regular expression: too many repetitions, choices or assertions to search in bounded time');
  return {
    test: (text) => search.test(text),
    literals,
    spent: () => search.spent,
    size: program.code.length,
    engine: 'automaton',
  };
}

/** Found in every text: nothing is left of it, or it can match nothing and asserts nothing. */
function isEmpty(re: Re): boolean {
  return nullable(re) && !asserts(re);
}

function asserts(re: Re): boolean {
  if (re.kind === 'assert') return true;
  if (re.kind === 'seq') return re.items.some(asserts);
  if (re.kind === 'alt') return re.options.some(asserts);
  return re.kind === 'repeat' && asserts(re.of);
}

/** `.{1000,}` asks for a length; followed as an expression it would cost a thousand steps a character. */
function repeatedSet(re: Re): { set: Ranges; times: number } | undefined {
  if (re.kind === 'repeat' && re.of.kind === 'set') return { set: re.of.set, times: re.min };
  if (re.kind !== 'seq') return undefined;
  const [first] = re.items;
  const set =
    first?.kind === 'set' ? first.set : first?.kind === 'repeat' && first.of.kind === 'set' ? first.of.set : undefined;
  if (set === undefined) return undefined;
  const name = set.join();
  let times = 0;
  for (const item of re.items) {
    const of = item.kind === 'repeat' ? item.of : item;
    if (of.kind !== 'set' || of.set.join() !== name) return undefined;
    // After trimming, only a repetition between others can still have a larger upper bound, and it adds nothing here.
    times += item.kind === 'repeat' ? item.min : 1;
  }
  return { set, times };
}

/** Whether `times` neighbouring characters are in the set. */
function hasRun(text: string, set: Ranges, times: number): boolean {
  if (text.length < times) return false;
  let run = 0;
  for (let i = 0; i < text.length; i++) {
    const point = text.codePointAt(i)!;
    if (point > 0xffff) i++;
    run = has(set, point) ? run + 1 : 0;
    if (run >= times) return true;
  }
  return times === 0;
}
