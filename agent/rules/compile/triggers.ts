import type { Atom } from './atoms.ts';
import { likelihood } from './cost.ts';
import type { Condition } from './node.ts';

/** Literal atoms of which at least one is true wherever the condition is, and how likely that is. */
export interface Triggers {
  readonly atoms: readonly number[];
  readonly likelihood: number;
}

/**
 * The atoms that make a rule a candidate: its least likely necessary set.
 * @returns undefined where there is none, as for a rule that only forbids; it is then asked about every event
 */
export function triggersOf(condition: Condition, atoms: readonly Atom[]): Triggers | undefined {
  const costs = new Map<number, number>();
  const necessary = (node: Condition, positive: boolean): Triggers | undefined => {
    switch (node.op) {
      case 'constant':
        return node.value === positive ? undefined : { atoms: [], likelihood: 0 };
      case 'not':
        return necessary(node.arg, !positive);
      case 'atom':
        return positive ? ofAtom(node.atom) : undefined;
      default: {
        const found = node.args.map((arg) => necessary(arg, positive));
        return (node.op === 'and') === positive ? cheapest(found) : together(found);
      }
    }
  };
  const ofAtom = (number: number): Triggers | undefined => {
    const atom = atoms[number]!;
    if (atom.kind === 'check') return atom.gate === undefined ? undefined : ofAtom(atom.gate);
    let cost = costs.get(number);
    if (cost === undefined) costs.set(number, (cost = likelihood(atom)));
    return { atoms: [number], likelihood: cost };
  };
  return necessary(condition, true);
}

function cheapest(found: readonly (Triggers | undefined)[]): Triggers | undefined {
  let best: Triggers | undefined;
  for (const one of found)
    if (one !== undefined && (best === undefined || one.likelihood < best.likelihood)) best = one;
  return best;
}

function together(found: readonly (Triggers | undefined)[]): Triggers | undefined {
  const all = new Set<number>();
  let sum = 0;
  for (const one of found) {
    if (one === undefined) return undefined;
    for (const atom of one.atoms) all.add(atom);
    sum += one.likelihood;
  }
  return { atoms: [...all], likelihood: sum };
}
