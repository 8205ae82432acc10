import type { Assertion, Re } from './ast.ts';
import type { Ranges } from './ranges.ts';

/** A nondeterministic automaton. Instruction `start` begins; `MATCH` ends. */
export interface Program {
  readonly code: readonly Instruction[];
  readonly start: number;
}

type Instruction =
  | { readonly op: 'set'; readonly set: Ranges; readonly next: number }
  | { readonly op: 'split'; readonly next: readonly number[] }
  | { readonly op: 'assert'; readonly at: Assertion; readonly next: number }
  | { readonly op: 'match' };

/**
 * Instructions that one expression may have. A search takes at most this many
 * steps a character, so the limit is also the limit on what a hostile text can cost.
 */
export const MAX_CODE = 2000;

/** @returns undefined for an expression over MAX_CODE, which counted repetitions can reach */
export function compileProgram(re: Re): Program | undefined {
  const code: Instruction[] = [{ op: 'match' }];
  const add = (instruction: Instruction): number => {
    if (code.length >= MAX_CODE) throw new TooLarge();
    return code.push(instruction) - 1;
  };
  /** Writes what matches `node` and goes on at `next`; returns where it begins. */
  const emit = (node: Re, next: number): number => {
    switch (node.kind) {
      case 'set':
        return add({ op: 'set', set: node.set, next });
      case 'assert':
        return add({ op: 'assert', at: node.at, next });
      case 'seq':
        return node.items.reduceRight((after, item) => emit(item, after), next);
      case 'alt':
        return add({ op: 'split', next: node.options.map((option) => emit(option, next)) });
      case 'repeat': {
        let after = next;
        if (node.max === Infinity) {
          const loop: number[] = [next];
          after = add({ op: 'split', next: loop });
          loop.push(emit(node.of, after));
        } else {
          for (let i = node.min; i < node.max; i++) after = add({ op: 'split', next: [next, emit(node.of, after)] });
        }
        for (let i = 0; i < node.min; i++) after = emit(node.of, after);
        return after;
      }
    }
  };
  try {
    return { start: emit(re, 0), code };
  } catch (error) {
    if (error instanceof TooLarge) return undefined;
    throw error;
  }
}

class TooLarge extends Error {}
