/** A condition over atoms: what the engine knows of an event by number. */
export type Condition =
  | { readonly op: 'and' | 'or'; readonly args: readonly Condition[] }
  | { readonly op: 'not'; readonly arg: Condition }
  | { readonly op: 'atom'; readonly atom: number }
  | { readonly op: 'constant'; readonly value: boolean };

export const FALSE: Condition = { op: 'constant', value: false };

/** `and` or `or` without nesting of the same, repetition or constants. */
export function combine(op: 'and' | 'or', args: readonly Condition[]): Condition {
  const absorbing = op === 'or';
  const out: Condition[] = [];
  const atoms = new Set<number>();
  const push = (arg: Condition): boolean => {
    if (arg.op === 'constant') return arg.value === absorbing;
    if (arg.op === op) return arg.args.some(push);
    if (arg.op === 'atom') {
      if (atoms.has(arg.atom)) return false;
      atoms.add(arg.atom);
    }
    out.push(arg);
    return false;
  };
  if (args.some(push)) return { op: 'constant', value: absorbing };
  if (out.length === 0) return { op: 'constant', value: !absorbing };
  return out.length === 1 ? out[0]! : { op, args: out };
}

export function negate(arg: Condition): Condition {
  if (arg.op === 'constant') return { op: 'constant', value: !arg.value };
  return arg.op === 'not' ? arg.arg : { op: 'not', arg };
}
