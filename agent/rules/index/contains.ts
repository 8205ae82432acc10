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
  readonly #lists: readonly Int32Array[];
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
    this.#lists = tables.lists;
    this.#rare = tables.rare;
    this.#suffix = tables.suffix;
    this.bytes = tables.rows.byteLength + this.#symbols.byteLength + tables.suffix.byteLength;
  }

  scan(text: string, sink: Sink): void {
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
        sink.found(this.#lists[rows[state + count]!]!);
      }
    }
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

/** A node of the tree of literals, before states have their final numbers. */
interface Tree {
  readonly children: Map<number, Tree>;
  readonly atoms: number[];
}

function build(literals: readonly Literal[], symbols: Symbols): Tables {
  const root: Tree = { children: new Map(), atoms: [] };
  let states = 1;
  for (const { text, atoms } of literals) {
    let node = root;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      let child = node.children.get(unit);
      if (child === undefined) {
        child = { children: new Map(), atoms: [] };
        node.children.set(unit, child);
        states++;
      }
      node = child;
    }
    node.atoms.push(...atoms);
  }
  return number(root, states, symbols);
}

/**
 * Numbers the states breadth first, so that those near the start, where a
 * scan spends its time, share cache lines; adds the transitions to shorter suffixes and what ends there.
 */
function number(root: Tree, states: number, { of, count }: Symbols): Tables {
  const width = count + 1;
  const rows = new Int32Array(states * width);
  const suffix = new Int32Array(states);
  const lists = new Lists();
  const atoms: (readonly number[])[] = [root.atoms];
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
  const queue: Tree[] = [root];
  for (let state = 0; state < queue.length; state++) {
    const row = state * width;
    if (state > 0) rows.copyWithin(row, suffix[state]! * width, suffix[state]! * width + count);
    rows[row + count] = lists.numberOf(atoms[state]!);
    for (const [unit, child] of queue[state]!.children) {
      const id = queue.push(child) - 1;
      const shorter = state === 0 ? 0 : follow(suffix[state]!, unit);
      suffix[id] = (shorter < 0 ? ~shorter : shorter) / width;
      const inherited = atoms[suffix[id]!]!;
      const ending = inherited.length === 0 ? child.atoms : [...new Set([...child.atoms, ...inherited])];
      atoms.push(ending);
      const target = ending.length > 0 ? ~(id * width) : id * width;
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
