import { compileRegex, type RegexMatcher } from '../regex/matcher.ts';
import { compareDecimals, decimalOf, type Decimal } from '../value/decimal.ts';
import { find } from '../value/find.ts';
import { inNetwork } from '../value/cidr.ts';
import type { CompareTest, FieldTest, Test } from '../value/test.ts';
import { timePart } from '../value/time-part.ts';
import { lengthOf, piecesOf } from '../value/pieces.ts';
import { ANY, type Token } from '../value/tokens.ts';
import { gateOf, type Literals } from './classify.ts';
import { compilePattern } from './pattern.ts';
import type { Subject } from './subject.ts';

/** Steps a character that a test without an index may take: a pattern or an expression in V8. */
export const CHECK_STEPS = 4;

/** A test that no literal index decides. */
export interface Check {
  readonly holds: (subject: Subject) => boolean;
  /** Literals of which one must be there; where none is, the check need not run. */
  readonly gate: Literals | undefined;
  /** Steps a character that it may take; absent for a few. */
  readonly perCharacter?: number;
  /** Steps that the last call took beyond a few a character; absent where there are never more. */
  readonly spent?: () => number;
}

/**
 * @param other finds the subject of another field, for field references
 * @throws {RegexError}
 */
export function compileCheck(test: Test, other: (field: string) => Subject): Check {
  switch (test.kind) {
    case 'text': {
      const { tokens, cased } = test;
      if (tokens.length === 1 && tokens[0] === ANY) return { holds: (s) => s.list().length > 0, gate: undefined };
      const fits = compilePattern(tokens, cased);
      return {
        holds: cased ? (s) => s.list().some(fits) : (s) => s.folded().some(fits),
        gate: gateOf(tokens),
        perCharacter: stepsOf(tokens),
      };
    }
    case 'regex': {
      const regex = test.matcher ?? compileRegex(test.source, test);
      const gate: Literals | undefined =
        regex.literals === undefined ? undefined : { position: 'contains', texts: regex.literals };
      return regexCheck(regex, gate);
    }
    case 'cidr':
      return { holds: (s) => s.list().some((text) => inNetwork(test.network, text)), gate: undefined };
    case 'exists':
      return { holds: (s) => (s.raw !== undefined) === test.wanted, gate: undefined };
    case 'null':
      return { holds: (s) => s.raw === undefined || s.raw === null, gate: undefined };
    case 'compare':
      return { holds: (s) => numbersOf(s, test).some((n) => compare(test.op, n, test.number)), gate: undefined };
    case 'field':
      return fieldCheck(test, other);
  }
}

/** A piece with `?` in it is searched for by its bits, a word of them at a time. */
function stepsOf(tokens: readonly Token[]): number {
  const words = piecesOf(tokens).map((piece) => (piece.length > 1 ? lengthOf(piece) >>> 5 : 0));
  return CHECK_STEPS + words.reduce((most, one) => Math.max(most, one), 0);
}

function regexCheck({ test, spent }: RegexMatcher, gate: Literals | undefined): Check {
  if (spent === undefined) return { holds: (s) => s.list().some(test), gate };
  let sum = 0;
  const count = (text: string): boolean => {
    const found = test(text);
    sum += spent();
    return found;
  };
  const holds = (s: Subject): boolean => {
    sum = 0;
    return s.list().some(count);
  };
  return { holds, gate, spent: () => sum };
}

function numbersOf(subject: Subject, { part }: CompareTest): Decimal[] {
  const { raw } = subject;
  const values: readonly unknown[] = Array.isArray(raw) ? raw : [raw];
  return values.flatMap((value) => decimalOf(part === undefined ? value : timePart(part, value)) ?? []);
}

function compare(op: CompareTest['op'], a: Decimal, b: Decimal): boolean {
  const order = compareDecimals(a, b);
  switch (op) {
    case 'lt':
      return order < 0;
    case 'lte':
      return order <= 0;
    case 'gt':
      return order > 0;
    case 'gte':
      return order >= 0;
    case 'eq':
      return order === 0;
  }
}

function fieldCheck({ field, before, after, cased }: FieldTest, other: (field: string) => Subject): Check {
  const reference = other(field);
  const fits = (value: string, wanted: string): boolean => {
    if (before) return after ? find(value, wanted) >= 0 : value.endsWith(wanted);
    return after ? value.startsWith(wanted) : value === wanted;
  };
  const textsOf = (s: Subject) => (cased ? s.list() : s.folded());
  const holds = (s: Subject): boolean => {
    reference.refresh();
    const wanted = textsOf(reference);
    return textsOf(s).some((value) => wanted.some((w) => fits(value, w)));
  };
  return { holds, gate: undefined };
}
