import { MAX_NODES } from './bounds.ts';
import type { ProcessRef, ShownEvent } from './event-model.ts';

export interface TreeNode {
  key: string;
  readonly pid: number;
  /** The newest command line, or the program of a process that was seen as a parent alone. */
  label: string;
  parent: TreeNode | undefined;
  readonly children: Set<TreeNode>;
  /** The most severe level of its alerts. */
  level: string | undefined;
}

/** Processes by their parents, as far as the page saw them. */
export class ProcessTree {
  readonly #nodes = new Map<string, TreeNode>();
  /** The newest process with each number, for those who refer to it without its start. */
  readonly #byPid = new Map<number, TreeNode>();
  readonly #max: number;
  /** Processes that were let go. */
  forgotten = 0;

  /** @param max smaller only in tests */
  constructor(max: number = MAX_NODES) {
    this.#max = max;
  }

  get size(): number {
    return this.#nodes.size;
  }

  has(key: string): boolean {
    return this.#nodes.has(key);
  }

  get roots(): TreeNode[] {
    return [...this.#nodes.values()].filter(({ parent }) => parent === undefined);
  }

  clear(): void {
    this.#nodes.clear();
    this.#byPid.clear();
    this.forgotten = 0;
  }

  /** Puts a process and those above it into the tree. */
  add(event: ShownEvent, level: string | undefined): void {
    if (event.type !== 'exec') return;
    const [parent, ...further] = event.ancestors.length > 0 ? event.ancestors : event.parent ? [event.parent] : [];
    // Ancestors in alerts have no start time; the parent has.
    const above = parent === undefined ? [] : [event.parent ?? parent, ...further];
    const node = this.#node(event, event.line);
    node.level ??= level;
    let child = node;
    for (const ref of above) {
      const known = child.parent;
      if (known !== undefined && known.pid === ref.pid) {
        this.#touch(known);
        child = known;
        continue;
      }
      const upper = this.#node(ref, undefined);
      if (upper === child || isBelow(upper, child)) break;
      this.#attach(child, upper);
      child = upper;
    }
    this.#makeRoom();
  }

  #node(ref: ProcessRef, label: string | undefined): TreeNode {
    const key = `${ref.pid} ${ref.startTime ?? ''}`;
    const newest = this.#byPid.get(ref.pid);
    let node = ref.startTime === undefined ? newest : (this.#nodes.get(key) ?? this.#named(newest, key));
    if (node === undefined) {
      const shown = label ?? ref.command ?? ref.exe ?? `process ${ref.pid}`;
      node = { key, pid: ref.pid, label: shown, parent: undefined, children: new Set(), level: undefined };
      this.#nodes.set(key, node);
      this.#byPid.set(ref.pid, node);
    } else {
      if (label !== undefined) node.label = label;
      this.#touch(node);
    }
    return node;
  }

  /** A process that was known by its number alone, under its name from now on. */
  #named(node: TreeNode | undefined, key: string): TreeNode | undefined {
    if (node === undefined || node.key !== `${node.pid} `) return undefined;
    this.#nodes.delete(node.key);
    node.key = key;
    return node;
  }

  #touch(node: TreeNode): void {
    this.#nodes.delete(node.key);
    this.#nodes.set(node.key, node);
  }

  #attach(child: TreeNode, parent: TreeNode): void {
    child.parent?.children.delete(child);
    child.parent = parent;
    parent.children.add(child);
  }

  #makeRoom(): void {
    while (this.#nodes.size > this.#max) {
      const leaf = this.#oldestLeaf();
      this.#nodes.delete(leaf.key);
      if (this.#byPid.get(leaf.pid) === leaf) this.#byPid.delete(leaf.pid);
      leaf.parent?.children.delete(leaf);
      this.forgotten++;
    }
  }

  #oldestLeaf(): TreeNode {
    for (const node of this.#nodes.values()) if (node.children.size === 0) return node;
    throw new Error('a finite tree has leaves');
  }
}

/** Whether a node lies below another: numbers of processes are used again, and a circle would have no root. */
function isBelow(node: TreeNode, other: TreeNode): boolean {
  for (let above = node.parent; above !== undefined; above = above.parent) if (above === other) return true;
  return false;
}
