import type { Symbols } from './symbols.ts';
import type { Tree } from './tree.ts';

/** One state in so many is dense: with the width of a row, this bounds the bytes of a state. */
const STATES_A_ROW = 8;
/** Small sets get rows for all that is near the start. */
const LEAST_ROWS = 128;
/** Edges that are looked at one by one; more are halved first, thirteen times at most. */
const FEW_EDGES = 8;
/** Added to the number of edges, to tell it from a symbol. */
const SEVERAL = 0x10000;

/** Words before a state. */
const HEADER = 2;
/** From a state to the word that numbers the list of what ends there; 0 for none. */
export const LIST = -2;
/** From a state to a word that is the index's own. */
export const OWN = -1;
/** Where a list without edges is: words that stay 0. */
const NO_EDGES = 0;
/** The state before the first character: the first that is laid out. */
export const START = NO_EDGES + 2 + HEADER;
/** From a state with a run edge to the state after it. */
export const RUN = HEADER + 2;

/**
 * The nodes of a tree as states: offsets into one array of words.
 *
 * Some are dense: a target for each symbol of ASCII, then the place of the list of edges for symbols beyond it. All others are sparse: a
 * list of edges. That is the number of edges, their symbols, ascending, and their targets; or, for one edge, its symbol and target. Without
 * an edge it is one for symbol 0. Rows for all would take five times as much, and rows for characters beyond ASCII
 * far more (one SigmaHQ rule lists four thousand emoji).
 *
 * A scan that stays in dense states where nothing ends has nothing else to look at; so, a target below zero is the complement of any
 * other state. Most states are within a long literal, where one leads to the next: a run edge, whose symbol is complemented, leads
 * to a sparse state where nothing ends and which is `RUN` words further on. 0 is no state.
 */
export class States {
  readonly words: Int32Array;
  /** States below this are dense. */
  readonly denseEnd: number;
  /** By node of the tree. */
  readonly stateOf: Int32Array;
  readonly #tree: Tree<unknown>;
  /** By node: its symbol. */
  readonly #symbol: Uint16Array;
  readonly #ascii: number;

  /**
   * Lays out all states, without edges yet.
   * @param order all nodes from node 0 on; the first of them become dense
   */
  constructor(tree: Tree<unknown>, symbols: Symbols, order: Int32Array) {
    this.#tree = tree;
    this.#symbol = tree.unit.map((unit) => symbols.numberOf(unit));
    this.#ascii = symbols.ascii;
    this.stateOf = new Int32Array(tree.nodes);
    let end = START - HEADER;
    const place = (node: number, words: number) => {
      this.stateOf[node] = end + HEADER;
      end += HEADER + words;
    };
    const dense = denseNodes(tree, order);
    for (const node of dense) place(node, this.#ascii + 1);
    this.denseEnd = end;
    // In the order of the texts, so that the states of a long literal are neighbours.
    for (let node = 0; node < tree.nodes; node++)
      if (this.stateOf[node] === 0) place(node, wordsFor(Math.max(1, this.#edgesFrom(node, 0))));
    const beyond = dense.map((node) => this.#edgesFrom(node, this.#ascii));
    this.words = new Int32Array(beyond.reduce((sum, edges) => sum + wordsFor(edges), end));
    for (const [i, node] of dense.entries()) {
      this.words[this.stateOf[node]! + this.#ascii] = beyond[i] === 0 ? NO_EDGES : end;
      end += wordsFor(beyond[i]!);
    }
  }

  /**
   * Writes the edges of a node. Call it after the lists of all its children are written.
   * @param none target of symbol 0
   */
  link(node: number, none: number): void {
    const { words, denseEnd } = this;
    const { begin, children } = this.#tree;
    const state = this.stateOf[node]!;
    const list = state < denseEnd ? words[state + this.#ascii]! : state;
    const from = state < denseEnd ? this.#ascii : 0;
    const edges = this.#edgesFrom(node, from);
    if (state < denseEnd) words[state] = none;
    else if (edges === 0) words[state + 1] = none;
    if (edges > 1) words[list] = SEVERAL + edges;
    let at = edges > 1 ? list + 1 : list;
    for (let i = begin[node]!; i < begin[node + 1]!; i++) {
      const symbol = this.#symbol[children[i]!]!;
      const child = this.stateOf[children[i]!]!;
      const ends = words[child + LIST] !== 0;
      const target = child < denseEnd && !ends ? child : ~child;
      if (symbol < from) words[state + symbol] = target;
      else {
        const run = edges === 1 && child === state + RUN && !ends;
        words[at] = run ? ~symbol : symbol;
        words[at + edges] = target;
        at++;
      }
    }
  }

  /** How many edges of a node have symbols from `least` on. */
  #edgesFrom(node: number, least: number): number {
    const { begin, children } = this.#tree;
    let edges = 0;
    for (let i = begin[node]!; i < begin[node + 1]!; i++) if (this.#symbol[children[i]!]! >= least) edges++;
    return edges;
  }
}

/** The target of the edge for a symbol among those at `list`; 0 for none. Looks at no more than 21 edges. */
export function follow(words: Int32Array, list: number, symbol: number): number {
  const first = words[list]!;
  if (first < SEVERAL) return (first < 0 ? ~first : first) === symbol ? words[list + 1]! : 0;
  const edges = first - SEVERAL;
  let from = list + 1;
  let to = from + edges;
  while (to - from > FEW_EDGES) {
    const middle = (from + to) >> 1;
    if (words[middle]! <= symbol) from = middle;
    else to = middle;
  }
  for (; from < to; from++) if (words[from] === symbol) return words[from + edges]!;
  return 0;
}

const wordsFor = (edges: number): number => (edges > 1 ? 1 + 2 * edges : 2 * edges);

/** Only where ASCII leads: what is beyond it is rare in texts. */
function denseNodes(tree: Tree<unknown>, order: Int32Array): number[] {
  const most = Math.max(LEAST_ROWS, Math.floor(tree.nodes / STATES_A_ROW));
  const ascii = asciiNodes(tree);
  const dense: number[] = [];
  for (const node of order) {
    if (dense.length === most) break;
    if (ascii[node] === 1) dense.push(node);
  }
  return dense;
}

function asciiNodes({ nodes, unit, begin, children }: Tree<unknown>): Uint8Array {
  const ascii = new Uint8Array(nodes).fill(1, 0, 1);
  for (let node = 0; node < nodes; node++)
    for (let i = begin[node]!; i < begin[node + 1]!; i++)
      if (ascii[node] === 1 && unit[children[i]!]! < 0x80) ascii[children[i]!] = 1;
  return ascii;
}
