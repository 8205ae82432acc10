import type { Expression, Test } from '../value/test.ts';

/**
 * Tests of one rule, each as often as its condition names it: modifiers and conditions make millions out of a file of a megabyte. An
 * expression that is searched by an automaton counts as its instructions.
 */
export const MAX_RULE_TESTS = 200_000;

/** Tests of all rules together, a global filter's once for each rule that it is joined to. SigmaHQ's 1,415 for Windows have 21,000, and the largest of them 1,100. */
export const MAX_SET_TESTS = 1_000_000;

/** Counts down from a bound. */
export class Room {
  #left: number;

  constructor(size: number) {
    this.#left = size;
  }

  /** Takes nothing, and returns false, where there is too little left. */
  take(size: number): boolean {
    if (size > this.#left) return false;
    this.#left -= size;
    return true;
  }
}

export function sizeOf(expression: Expression): number {
  switch (expression.op) {
    case 'test':
      return sizeOfTest(expression.test);
    case 'not':
      return sizeOf(expression.arg);
    default:
      return expression.args.reduce((sum, arg) => sum + sizeOf(arg), 0);
  }
}

function sizeOfTest(test: Test): number {
  return test.kind === 'regex' ? (test.matcher?.size ?? 1) : 1;
}
