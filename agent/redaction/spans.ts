import { Alphabet, type Kind } from '../rules/regex/alphabet.ts';
import { nullable } from '../rules/regex/ast.ts';
import { linearSteps } from '../rules/regex/linear.ts';
import { neededLiterals } from '../rules/regex/literals.ts';
import { parseRegex, RegexError } from '../rules/regex/parse.ts';
import { printRegex } from '../rules/regex/print.ts';
import { compileProgram, type Program } from '../rules/regex/program.ts';
import { has } from '../rules/regex/ranges.ts';
import { holds } from '../rules/regex/search.ts';
import type { Budget } from './budget.ts';

/** Receives where something is: from `start` up to, not including, `end`, in UTF-16 units. */
type Found = (start: number, end: number) => void;

/** An expression that says where it is found, from left to right, without overlaps. What it takes is spent from the budget. */
export interface SpanPattern {
  readonly each: (text: string, found: Found, budget: Budget) => void;
  /** Folded texts (`fold`), of which one is in the folded form of every text it is found in; undefined where there are none. */
  readonly literals: readonly string[] | undefined;
}

/** Instructions of an expression that is followed path by path. */
const MAX_CODE = 300;

/**
 * The rules' flavour of expressions, for finding places: the first one, and of those the longest, or what V8 takes where it is proven linear.
 * @throws {RegexError} outside the flavour, too large to search in bounded time, or found in an empty text
 */
export function compileSpans(source: string): SpanPattern {
  const re = parseRegex(source, { ignoreCase: false, multiline: false, dotAll: false });
  if (nullable(re)) throw new RegexError('regular expression: it can match an empty text, so it is found everywhere');
  const literals = neededLiterals(re);
  const steps = linearSteps(re);
  if (steps !== undefined) {
    const native = new RegExp(printRegex(re), 'gu');
    const each = (text: string, found: Found, budget: Budget): void => {
      budget.spend(steps * text.length);
      native.lastIndex = 0;
      for (let match = native.exec(text); match !== null; match = native.exec(text)) {
        found(match.index, match.index + match[0].length);
        // Assertions alone can be found without taking a character.
        if (match[0] === '') native.lastIndex++;
      }
    };
    return { each, literals };
  }
  const program = compileProgram(re);
  if (program === undefined || program.code.length > MAX_CODE)
    throw new RegexError('regular expression: too many repetitions or choices to search in bounded time');
  const search = new SpanSearch(program);
  return { each: (text, found, budget) => search.each(text, found, budget), literals };
}

/** The cost of following one path over one character, in steps of an expression that V8 runs. */
const STEPS_A_PATH = 8;

interface Match {
  readonly start: number;
  readonly end: number;
}

/** Follows all paths at once; each path knows where it began. */
class SpanSearch {
  readonly #code: Program['code'];
  readonly #start: number;
  readonly #alphabet: Alphabet;

  constructor({ code, start }: Program) {
    this.#code = code;
    this.#start = start;
    this.#alphabet = new Alphabet({ code, start });
  }

  each(text: string, found: Found, budget: Budget): void {
    for (let at = 0; at <= text.length;) {
      const match = this.#next(text, at, budget);
      if (match === undefined) return;
      found(match.start, match.end);
      // Characters that were read beyond the match are read again. How often depends on the text: the budget bounds it.
      at = Math.max(match.end, match.start + 1);
    }
  }

  /** The match that begins first, and of those the longest. */
  #next(text: string, from: number, budget: Budget): Match | undefined {
    const alphabet = this.#alphabet;
    const code = this.#code;
    let paths = new Map<number, number>();
    let best: Match | undefined;
    let before: Kind = from === 0 ? 'none' : this.#kindAt(text, from - 1);
    for (let at = from; ;) {
      if (best === undefined && !paths.has(this.#start)) paths.set(this.#start, at);
      if (paths.size === 0) return best;
      const point = text.codePointAt(at);
      const isLast = point === 0x0a && at + 1 === text.length;
      const c = point === undefined ? alphabet.end : isLast ? alphabet.lastLineFeed : alphabet.classOf(point);
      const { kind, sample } = alphabet.classes[c]!;
      const next = new Map<number, number>();
      const seen = new Set<number>();
      // Those that began first come first, so that an instruction is reached from the earliest beginning.
      for (const [waiting, start] of [...paths].toSorted((a, b) => a[1] - b[1])) {
        if (best !== undefined && start > best.start) continue;
        const open = [waiting];
        for (let one = open.pop(); one !== undefined; one = open.pop()) {
          if (seen.has(one)) continue;
          seen.add(one);
          const instruction = code[one]!;
          if (instruction.op === 'match') {
            if (best === undefined || start <= best.start) best = { start, end: at };
          } else if (instruction.op === 'split') open.push(...instruction.next);
          else if (instruction.op === 'assert') {
            if (holds(instruction.at, before, kind, isLast)) open.push(instruction.next);
          } else if (sample >= 0 && has(instruction.set, sample) && !next.has(instruction.next))
            next.set(instruction.next, start);
        }
      }
      budget.spend(STEPS_A_PATH * seen.size + 1);
      if (point === undefined) return best;
      paths = next;
      before = kind;
      at += point > 0xffff ? 2 : 1;
    }
  }

  #kindAt(text: string, at: number): Kind {
    return this.#alphabet.classes[this.#alphabet.classOf(text.charCodeAt(at))]!.kind;
  }
}
