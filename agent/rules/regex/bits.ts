import type { CharacterClass } from './alphabet.ts';
import type { Program } from './program.ts';
import { has } from './ranges.ts';

/** Steps a character that this way of searching may take: more is refused, or left to the other. */
const MAX_STEPS = 400;
/** Paths of one distance that are worth a step of their own. */
const SHIFT_WORTH = 3;

/**
 * A program as sets of bits, one for each instruction that reads a character, so that 32 paths are followed at once: the
 * method of Navarro and Raffinot. Instructions are in their order, so that most paths go on a few bits further. What goes on elsewhere is
 * asked for by its target.
 */
export class BitSearch {
  readonly #words: number;
  /** Bits that a search begins at, at every character; bits behind which it is complete. */
  readonly #start: Int32Array;
  readonly #complete: Int32Array;
  /** Whether nothing at all is enough. */
  readonly #isEmpty: boolean;
  /** For each distance that many paths go on at: the bits that do. */
  readonly #shifts: readonly { readonly distance: number; readonly from: Int32Array }[];
  /** Bits that go on at themselves. */
  readonly #stay: Int32Array;
  /** For each other target: the bits that go on there. */
  readonly #others: readonly { readonly target: number; readonly from: Int32Array }[];
  /** By class: the bits that take it. */
  readonly #takes: readonly Int32Array[];

  /** Steps that it takes a character. */
  get steps(): number {
    return this.#words * (2 + this.#shifts.length + this.#others.length);
  }

  /** @returns undefined for a program that asserts something, or that would take too many steps in this way */
  static of(program: Program, classes: readonly CharacterClass[]): BitSearch | undefined {
    if (program.code.some(({ op }) => op === 'assert')) return undefined;
    const search = new BitSearch(program, classes);
    return search.steps > MAX_STEPS ? undefined : search;
  }

  private constructor({ code, start }: Program, classes: readonly CharacterClass[]) {
    // A program is written from its end, so that what follows an instruction has a lower number.
    const places = code.flatMap(({ op }, at) => (op === 'set' ? [at] : [])).reverse();
    const bits = new Map(places.map((at, bit) => [at, bit]));
    this.#words = (places.length + 31) >>> 5;
    const set = (wanted: (bit: number) => boolean): Int32Array => {
      const words = new Int32Array(this.#words);
      for (let bit = 0; bit < places.length; bit++) if (wanted(bit)) words[bit >>> 5]! |= 1 << (bit & 31);
      return words;
    };
    const begin = closureOf(code, start);
    const after = places.map((at) => closureOf(code, (code[at] as { next: number }).next));
    const targets = after.map(({ reads }) => new Set(reads.map((at) => bits.get(at)!)));
    const starting = new Set(begin.reads.map((at) => bits.get(at)!));
    this.#start = set((bit) => starting.has(bit));
    this.#complete = set((bit) => after[bit]!.completes);
    this.#isEmpty = begin.completes;
    this.#stay = set((bit) => targets[bit]!.has(bit));
    // A search begins everywhere, so that going on at its beginning says nothing.
    const paths = targets.flatMap((list, bit) =>
      [...list].filter((to) => to !== bit && !starting.has(to)).map((to) => ({ bit, to, distance: to - bit })),
    );
    const byDistance = Map.groupBy(paths, ({ distance }) => (distance > 0 && distance < 32 ? distance : 0));
    const isShift = (distance: number): boolean => (byDistance.get(distance)?.length ?? 0) >= SHIFT_WORTH;
    const bitsOf = (list: readonly { readonly bit: number }[]): Int32Array => {
      const from = new Set(list.map(({ bit }) => bit));
      return set((bit) => from.has(bit));
    };
    this.#shifts = [...byDistance]
      .filter(([distance]) => distance > 0 && isShift(distance))
      .map(([distance, list]) => ({ distance, from: bitsOf(list) }));
    const others = Map.groupBy(
      paths.filter(({ distance }) => distance < 0 || distance > 31 || !isShift(distance)),
      ({ to }) => to,
    );
    this.#others = [...others].map(([target, list]) => ({ target, from: bitsOf(list) }));
    this.#takes = classes.map(({ sample }) =>
      set((bit) => sample >= 0 && has((code[places[bit]!] as { set: readonly number[] }).set, sample)),
    );
  }

  /** @param classOf the class of a code point, as the classes were given */
  test(text: string, classOf: (point: number) => number): boolean {
    const words = this.#words;
    const start = this.#start;
    const stay = this.#stay;
    if (this.#isEmpty) return true;
    let active = new Int32Array(words);
    let next = new Int32Array(words);
    for (let i = 0; i < text.length;) {
      const point = text.codePointAt(i)!;
      i += point > 0xffff ? 2 : 1;
      const takes = this.#takes[classOf(point)]!;
      for (let w = 0; w < words; w++) next[w] = (active[w]! & stay[w]!) | start[w]!;
      for (const { distance, from } of this.#shifts) {
        let carry = 0;
        for (let w = 0; w < words; w++) {
          const moving = active[w]! & from[w]!;
          next[w]! |= (moving << distance) | carry;
          carry = moving >>> (32 - distance);
        }
      }
      for (const { target, from: sources } of this.#others) {
        for (let w = 0; w < words; w++) {
          if ((active[w]! & sources[w]!) === 0) continue;
          next[target >>> 5]! |= 1 << (target & 31);
          break;
        }
      }
      let complete = 0;
      for (let w = 0; w < words; w++) {
        next[w]! &= takes[w]!;
        complete |= next[w]! & this.#complete[w]!;
      }
      if (complete !== 0) return true;
      [active, next] = [next, active];
    }
    return false;
  }
}

/** Reading instructions that are reachable without reading, and whether the end is reachable. */
function closureOf(code: Program['code'], from: number): { reads: number[]; completes: boolean } {
  const seen = new Set<number>();
  const open = [from];
  const reads: number[] = [];
  let completes = false;
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    const one = code[at]!;
    if (one.op === 'match') completes = true;
    else if (one.op === 'split') for (const next of one.next) open.push(next);
    else if (one.op === 'set') reads.push(at);
  }
  return { reads, completes };
}
