import type { Condition } from './node.ts';

/** Where a program ends. */
export const ACCEPT = -1;
const REJECT = -2;

/**
 * Conditions of many rules as one flat program. An instruction asks one atom
 * and says where to go on: `[atom, if true, if false]`. There is no stack and nothing is asked twice on one path.
 */
export class ProgramBuilder {
  readonly #code: number[] = [];

  /**
   * @param rank orders what is asked first: cheap and decisive before dear
   * @returns where the condition begins
   */
  add(condition: Condition, rank: (condition: Condition) => number): number {
    return this.#emit(ordered(condition, rank), ACCEPT, REJECT);
  }

  code(): Int32Array {
    return Int32Array.from(this.#code);
  }

  #emit(node: Condition, yes: number, no: number): number {
    switch (node.op) {
      case 'constant':
        return node.value ? yes : no;
      case 'not':
        return this.#emit(node.arg, no, yes);
      case 'atom':
        return this.#code.push(node.atom, yes, no) - 3;
      case 'and':
        return node.args.reduceRight((next, arg) => this.#emit(arg, next, no), yes);
      case 'or':
        return node.args.reduceRight((next, arg) => this.#emit(arg, yes, next), no);
    }
  }
}

function ordered(node: Condition, rank: (condition: Condition) => number): Condition {
  if (node.op === 'not') return { op: 'not', arg: ordered(node.arg, rank) };
  if (node.op !== 'and' && node.op !== 'or') return node;
  const args = node.args.map((arg) => ({ arg: ordered(arg, rank), rank: rank(arg) }));
  args.sort((a, b) => a.rank - b.rank);
  return { op: node.op, args: args.map((a) => a.arg) };
}
