/**
 * The tree of many texts: a node for each of their beginnings, in the order of the texts, parents before children. Node 0 is the
 * empty beginning. Arrays instead of objects, since sets have a hundred thousand nodes.
 */
export interface Tree<T> {
  readonly nodes: number;
  /** By node: the UTF-16 unit that leads to it. */
  readonly unit: Uint16Array;
  /** By node: where its children begin; they end where those of the next node begin. */
  readonly begin: Int32Array;
  /** Nodes, siblings ascending by unit. */
  readonly children: Int32Array;
  /** By node: the items whose texts end there. Nodes without such an item are absent. */
  readonly ends: ReadonlyMap<number, readonly T[]>;
}

/** Sorted texts share beginnings with their neighbours, so that a tree grows at its right edge only. */
export function plant<T>(items: readonly T[], textOf: (item: T) => string): Tree<T> {
  const sorted = items.map((item) => ({ text: textOf(item), item }));
  sorted.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0));
  const most = sorted.reduce((sum, { text }) => sum + text.length, 1);
  const unit = new Uint16Array(most);
  const parent = new Int32Array(most);
  const ends = new Map<number, T[]>();
  const path = [0];
  let nodes = 1;
  let before = '';
  for (const { text, item } of sorted) {
    let shared = 0;
    while (shared < text.length && text.charCodeAt(shared) === before.charCodeAt(shared)) shared++;
    path.length = shared + 1;
    for (let i = shared; i < text.length; i++) {
      unit[nodes] = text.charCodeAt(i);
      parent[nodes] = path[i]!;
      path.push(nodes++);
    }
    const end = path[text.length]!;
    const there = ends.get(end);
    if (there === undefined) ends.set(end, [item]);
    else there.push(item);
    before = text;
  }
  return { nodes, unit, ends, ...families(parent.subarray(0, nodes)) };
}

/** Turns the parent of each node into the children of each. */
function families(parent: Int32Array): { begin: Int32Array; children: Int32Array } {
  const begin = new Int32Array(parent.length + 1);
  for (let node = 1; node < parent.length; node++) begin[parent[node]! + 1]!++;
  for (let node = 0; node < parent.length; node++) begin[node + 1]! += begin[node]!;
  const children = new Int32Array(parent.length - 1);
  const free = begin.slice();
  for (let node = 1; node < parent.length; node++) children[free[parent[node]!]!++] = node;
  return { begin, children };
}

/** By node: the length of its text. */
export function depths({ nodes, begin, children }: Tree<unknown>): Int32Array {
  const depth = new Int32Array(nodes);
  for (let node = 0; node < nodes; node++)
    for (let at = begin[node]!; at < begin[node + 1]!; at++) depth[children[at]!] = depth[node]! + 1;
  return depth;
}

/** All nodes, those with shorter texts first. */
export function breadthFirst({ nodes, begin, children }: Tree<unknown>): Int32Array {
  const order = new Int32Array(nodes);
  let end = 1;
  for (let i = 0; i < end; i++)
    for (let at = begin[order[i]!]!; at < begin[order[i]! + 1]!; at++) order[end++] = children[at]!;
  return order;
}

/** By node: the node of the longest proper suffix of its text that is a beginning, too. */
export function suffixes(tree: Tree<unknown>, order: Int32Array): Int32Array {
  const { unit, begin, children } = tree;
  const suffix = new Int32Array(tree.nodes);
  for (const node of order)
    for (let at = begin[node]!; at < begin[node + 1]!; at++) {
      const child = children[at]!;
      let shorter = node;
      let found = 0;
      while (found === 0 && shorter !== 0) {
        shorter = suffix[shorter]!;
        found = childBy(tree, shorter, unit[child]!);
      }
      suffix[child] = found;
    }
  return suffix;
}

/** The child that a unit leads to; 0 for none. */
function childBy({ begin, children, unit }: Tree<unknown>, node: number, wanted: number): number {
  let from = begin[node]!;
  let to = begin[node + 1]!;
  while (from < to) {
    const middle = (from + to) >> 1;
    const child = children[middle]!;
    if (unit[child] === wanted) return child;
    if (unit[child]! < wanted) from = middle + 1;
    else to = middle;
  }
  return 0;
}
