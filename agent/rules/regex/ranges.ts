import { caseVariants } from '../value/fold.ts';

/** A set of code points: sorted, not touching, `[from, to, from, to, …]`, both ends included. */
export type Ranges = readonly number[];

const LAST = 0x10ffff;
export const EMPTY: Ranges = [];
export const EVERYTHING: Ranges = [0, LAST];
export const DIGIT: Ranges = [0x30, 0x39];
export const WORD: Ranges = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a];
/** Tab, line feed, vertical tab, form feed, carriage return, space: PCRE's set without Unicode properties. */
export const SPACE: Ranges = [0x09, 0x0d, 0x20, 0x20];
export const NEWLINE: Ranges = [0x0a, 0x0a];

export function union(...sets: readonly Ranges[]): Ranges {
  return unionOf(sets);
}

/** The same for more sets than a call can have arguments. */
export function unionOf(sets: readonly Ranges[]): Ranges {
  const pairs: [number, number][] = [];
  for (const set of sets) for (let i = 0; i < set.length; i += 2) pairs.push([set[i]!, set[i + 1]!]);
  pairs.sort((a, b) => a[0] - b[0]);
  const out: number[] = [];
  for (const [from, to] of pairs) {
    const last = out.length - 1;
    if (last > 0 && from <= out[last]! + 1) out[last] = Math.max(out[last]!, to);
    else out.push(from, to);
  }
  return out;
}

export function complement(set: Ranges): Ranges {
  const out: number[] = [];
  let from = 0;
  for (let i = 0; i < set.length; i += 2) {
    if (set[i]! > from) out.push(from, set[i]! - 1);
    from = set[i + 1]! + 1;
  }
  if (from <= LAST) out.push(from, LAST);
  return out;
}

export function disjoint(a: Ranges, b: Ranges): boolean {
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (a[i + 1]! < b[j]!) i += 2;
    else if (b[j + 1]! < a[i]!) j += 2;
    else return false;
  }
  return true;
}

export function has(set: Ranges, point: number): boolean {
  // How many ranges begin at or before the point.
  let low = 0;
  let high = set.length >> 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (set[2 * middle]! <= point) low = middle + 1;
    else high = middle;
  }
  return low > 0 && point <= set[2 * low - 1]!;
}

export function size(set: Ranges): number {
  let n = 0;
  for (let i = 0; i < set.length; i += 2) n += set[i + 1]! - set[i]! + 1;
  return n;
}

/** The set with every upper and lower case form of its members. */
export function withCases(set: Ranges): Ranges {
  const extra: number[] = [];
  for (let i = 0; i < set.length; i += 2) {
    for (let point = set[i]!; point <= Math.min(set[i + 1]!, 0xffff); point++) {
      for (const variant of caseVariants(point)) if (!has(set, variant)) extra.push(variant, variant);
    }
  }
  if (extra.length === 0) return set;
  const single: Ranges[] = [];
  for (let i = 0; i < extra.length; i += 2) single.push([extra[i]!, extra[i + 1]!]);
  return unionOf([set, ...single]);
}
