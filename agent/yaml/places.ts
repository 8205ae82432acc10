import { entryOf, type Node, type Source } from './node.ts';

type Place = { readonly line: number; readonly column: number };

/** Finds the line and column of a path in a document. */
export class Places {
  readonly #root: Node;
  readonly #source: Source;

  constructor(root: Node, source: Source) {
    this.#root = root;
    this.#source = source;
  }

  /** Of the value at `path`, or of the nearest thing around it that exists. */
  ofValue(path: readonly PropertyKey[]): Place {
    return this.#source.place(this.#nearest(path).offset);
  }

  /** Of the key `key` in the map at `path`. */
  ofKey(path: readonly PropertyKey[], key: string): Place {
    const map = this.#nearest(path);
    const entry = map.kind === 'map' ? map.entries.find((e) => e.key === key) : undefined;
    return this.#source.place(entry?.keyOffset ?? map.offset);
  }

  #nearest(path: readonly PropertyKey[]): Node {
    let node = this.#root;
    for (const part of path) {
      const next =
        node.kind === 'map' ? entryOf(node, String(part)) : node.kind === 'list' ? node.items[Number(part)] : undefined;
      if (next === undefined) break;
      node = next;
    }
    return node;
  }
}
