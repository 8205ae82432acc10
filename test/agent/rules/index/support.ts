import type { Literal, LiteralIndex, Position } from '../../../../agent/rules/index/literal.ts';
import { fold } from '../../../../agent/rules/value/fold.ts';

/** The atoms that an index finds, ascending. */
export function atoms(index: LiteralIndex, subject: string): number[] {
  const found = new Set<number>();
  index.scan(subject, { found: (list) => list.slice(1).forEach((atom) => found.add(atom)) });
  return [...found].sort((a, b) => a - b);
}

const has: Readonly<Record<Position, (subject: string, literal: string) => boolean>> = {
  contains: (s, l) => s.includes(l),
  suffix: (s, l) => s.endsWith(l),
  prefix: (s, l) => s.startsWith(l),
  equals: (s, l) => s === l,
};

/** @throws {Error} when an index does not find what a plain search finds; atoms of the literals ascend */
export function compare(index: LiteralIndex, list: readonly Literal[], subject: string): void {
  const expected = list.flatMap((l) => (has[l.position](fold(subject), l.text) ? [...l.atoms] : []));
  const found = atoms(index, subject);
  if (found.join() !== expected.join()) throw new Error(`expected ${expected.join()}, found ${found.join()}`);
}
