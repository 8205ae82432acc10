import type { Re } from './ast.ts';
import { disjoint, EMPTY, NEWLINE, union, type Ranges } from './ranges.ts';

/** Steps a character of the text that a backtracking search may take before we prefer our own. */
const MAX_STEPS = 256;

/**
 * Proves that a backtracking search takes time linear in the text, so that
 * V8's RegExp may run the expression.
 *
 * A search that tries every start and every choice visits pairs of (point of
 * the expression, place in the text). We bound how often one pair can be visited, over all starts: the
 * number of paths `p` that lead to it. At the beginning p = 1. A character keeps p, an alternative adds up, and an
 * optional part multiplies. A repetition of a set C would lead to a place from every earlier place of a run of C;
 * but if the character before the repetition cannot be in C, the run must begin right there: there is one entry for
 * each place, and p stays. Where that does not hold and the repetition has no upper bound, there is no proof.
 *
 * @returns a bound on the steps a character, or undefined without a proof
 */
export function linearSteps(re: Re): number | undefined {
  try {
    const walk = new Walk();
    walk.visit(re, { paths: 1, before: undefined });
    return walk.steps;
  } catch (error) {
    if (error instanceof NoProof) return undefined;
    throw error;
  }
}

class NoProof extends Error {}

interface State {
  readonly paths: number;
  /** The possible kinds of the previous character; undefined if unknown. */
  readonly before: Ranges | undefined;
}

class Walk {
  steps = 0;

  visit(re: Re, state: State): State {
    switch (re.kind) {
      case 'set':
        this.#spend(state.paths);
        return { paths: state.paths, before: re.set };
      case 'assert':
        this.#spend(state.paths);
        // At the start there is one place only, and nothing before it.
        if (re.at === 'start') return { ...state, before: EMPTY };
        return re.at === 'line_start' ? { ...state, before: NEWLINE } : state;
      case 'seq':
        return re.items.reduce((s, item) => this.visit(item, s), state);
      case 'alt':
        return join(re.options.map((option) => this.visit(option, state)));
      case 'repeat':
        return this.#repeat(re, state);
    }
  }

  #repeat({ of, min, max }: Extract<Re, { kind: 'repeat' }>, state: State): State {
    if (of.kind === 'set' && state.before !== undefined && disjoint(state.before, of.set)) {
      this.#spend(2 * state.paths);
      const { paths } = state;
      return { paths, before: min === 0 ? union(state.before, of.set) : of.set };
    }
    if (max === Infinity) throw new NoProof();
    const exits: State[] = min === 0 ? [state] : [];
    let current = state;
    for (let i = 1; i <= max; i++) {
      current = this.visit(of, current);
      if (i >= min) exits.push(current);
    }
    return join(exits);
  }

  #spend(steps: number): void {
    this.steps += steps;
    if (this.steps > MAX_STEPS) throw new NoProof();
  }
}

function join(states: readonly State[]): State {
  const paths = states.reduce((sum, s) => sum + s.paths, 0);
  const befores = states.map((s) => s.before);
  return { paths, before: befores.includes(undefined) ? undefined : union(...(befores as Ranges[])) };
}
