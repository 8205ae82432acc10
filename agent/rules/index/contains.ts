import { caseVariants, FOLD } from '../value/fold.ts';
import { packList, type Literal, type LiteralIndex, type Sink } from './literal.ts';
import { Symbols } from './symbols.ts';

const isAscii = (unit: number) => unit < 0x80;

/**
 * Finds all literals of a set anywhere in a text, in one pass: the automaton
 * of Aho and Corasick. For ASCII every transition is written out; a state is the offset of its row, and
 * a negative entry is the complement of a state where literals end. The last column numbers their atoms.
 *
 * Characters beyond ASCII would make rows far too wide (one SigmaHQ rule lists four thousand emoji). They share one
 * symbol, RARE, and their transitions are looked up in a map, going back to shorter suffixes where there is none.
 */
export class ContainsIndex implements LiteralIndex {
  readonly bytes: number;
  readonly #symbols: Uint16Array;
  readonly #rows: Int32Array;
  /** Symbols of ASCII; also the number of RARE, and the column of the list. */
  readonly #count: number;
  readonly lists: readonly Int32Array[];
  /** By state × 65,536 + folded unit: the state that follows. */
  readonly #rare: ReadonlyMap<number, number>;
  /** By state: the longest proper suffix that is a state as well. */
  readonly #suffix: Int32Array;

  constructor(literals: readonly Literal[]) {
    const symbols = new Symbols();
    for (const { text } of literals) symbols.add(text, isAscii);
    const tables = build(literals, symbols);
    this.#count = symbols.count;
    this.#symbols = symbols.of;
    for (const unit of tables.units) for (const variant of caseVariants(unit)) this.#symbols[variant] = this.#count;
    this.#rows = tables.rows;
    this.lists = tables.lists;
    this.#rare = tables.rare;
    this.#suffix = tables.suffix;
    this.bytes = tables.rows.byteLength + this.#symbols.byteLength + tables.suffix.byteLength;
  }

  scan(text: string, sink: Sink): number {
    const symbols = this.#symbols;
    const rows = this.#rows;
    const count = this.#count;
    let state = 0;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      const symbol = symbols[unit]!;
      const next = symbol === count ? this.#rareStep(state, FOLD[unit]!) : rows[state + symbol]!;
      if (next >= 0) state = next;
      else {
        state = ~next;
        sink.found(this.lists[rows[state + count]!]!);
      }
    }
    return text.length;
  }

  #rareStep(row: number, unit: number): number {
    const width = this.#count + 1;
    for (let state = row / width; ; state = this.#suffix[state]!) {
      const next = this.#rare.get(state * 0x10000 + unit);
      if (next !== undefined) return next;
      if (state === 0) return 0;
    }
  }
}

interface Tables {
  readonly rows: Int32Array;
  readonly suffix: Int32Array;
  readonly lists: readonly Int32Array[];
  readonly rare: ReadonlyMap<number, number>;
  /** Folded units beyond ASCII. */
  readonly units: ReadonlySet<number>;
}

/** The tree of all literals, in the order of their texts: child after sibling, in arrays instead of objects. */
interface Tree {
  readonly states: number;
  readonly unit: Uint16Array;
  readonly firstChild: Int32Array;
  readonly nextSibling: Int32Array;
  readonly atoms: readonly (readonly number[])[];
}

const NO_ATOMS: readonly number[] = [];

/** Sorted texts share beginnings with their neighbours, so that a tree grows at its right edge only. */
function plant(literals: readonly Literal[]): Tree {
  const most = literals.reduce((sum, l) => sum + l.text.length, 1);
  const unit = new Uint16Array(most);
  const firstChild = new Int32Array(most);
  const nextSibling = new Int32Array(most);
  const lastChild = new Int32Array(most);
  const atoms: number[][] = [[]];
  const path = [0];
  let before = '';
  for (const { text, atoms: own } of literals.toSorted((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))) {
    let shared = 0;
    while (shared < text.length && text.charCodeAt(shared) === before.charCodeAt(shared)) shared++;
    path.length = shared + 1;
    for (let i = shared; i < text.length; i++) {
      const parent = path[i]!;
      const state = atoms.length;
      atoms.push(NO_ATOMS as number[]);
      unit[state] = text.charCodeAt(i);
      if (lastChild[parent] === 0) firstChild[parent] = state;
      else nextSibling[lastChild[parent]!] = state;
      lastChild[parent] = state;
      path.push(state);
    }
    const end = path[text.length]!;
    atoms[end] = [...atoms[end]!, ...own];
    before = text;
  }
  return { states: atoms.length, unit, firstChild, nextSibling, atoms };
}

/**
 * Numbers the states breadth first, so that those near the start, where a
 * scan spends its time, share cache lines; adds the transitions to shorter suffixes and what ends there.
 */
function build(literals: readonly Literal[], { of, count }: Symbols): Tables {
  const tree = plant(literals);
  const width = count + 1;
  const rows = new Int32Array(tree.states * width);
  const suffix = new Int32Array(tree.states);
  const lists = new Lists();
  const atoms: (readonly number[])[] = [tree.atoms[0]!];
  const rare = new Map<number, number>();
  const units = new Set<number>();
  /** The state after `unit`, complemented where literals end. */
  const follow = (state: number, unit: number): number => {
    if (isAscii(unit)) return rows[state * width + of[unit]!]!;
    for (let s = state; ; s = suffix[s]!) {
      const next = rare.get(s * 0x10000 + unit);
      if (next !== undefined || s === 0) return next ?? 0;
    }
  };
  /** By final number: the number in the tree. */
  const queue = new Int32Array(tree.states);
  let end = 1;
  for (let state = 0; state < end; state++) {
    const row = state * width;
    if (state > 0) rows.copyWithin(row, suffix[state]! * width, suffix[state]! * width + count);
    rows[row + count] = lists.numberOf(atoms[state]!);
    for (let child = tree.firstChild[queue[state]!]!; child !== 0; child = tree.nextSibling[child]!) {
      const unit = tree.unit[child]!;
      const id = end++;
      queue[id] = child;
      const shorter = state === 0 ? 0 : follow(suffix[state]!, unit);
      suffix[id] = (shorter < 0 ? ~shorter : shorter) / width;
      const own = tree.atoms[child]!;
      const inherited = atoms[suffix[id]!]!;
      atoms.push(inherited.length === 0 ? own : own.length === 0 ? inherited : [...new Set([...own, ...inherited])]);
      const target = atoms[id]!.length > 0 ? ~(id * width) : id * width;
      if (isAscii(unit)) rows[row + of[unit]!] = target;
      else {
        rare.set(state * 0x10000 + unit, target);
        units.add(unit);
      }
    }
  }
  return { rows, suffix, lists: lists.all, rare, units };
}

/** Lists of atoms, each kept once. */
class Lists {
  readonly all: Int32Array[] = [];
  readonly #known = new Map<string, number>();

  /** 0 for an empty list too: it is never asked for. */
  numberOf(atoms: readonly number[]): number {
    if (atoms.length === 0) return 0;
    const name = atoms.join();
    let found = this.#known.get(name);
    if (found === undefined) {
      found = this.all.push(packList(atoms)) - 1;
      this.#known.set(name, found);
    }
    return found;
  }
}
