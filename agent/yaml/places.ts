import type { Entry, MapNode, Node, Source } from './node.ts';

type Place = { readonly line: number; readonly column: number };

/** Finds the line and column of a path in a document. */
export class Places {
  readonly #root: Node;
  readonly #source: Source;
  /** By key, for maps in which something was looked for: a file can have a hundred thousand wrong keys. */
  readonly #entries = new Map<MapNode, ReadonlyMap<string, Entry>>();

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
    const entry = map.kind === 'map' ? this.#entryOf(map, key) : undefined;
    return this.#source.place(entry?.keyOffset ?? map.offset);
  }

  #nearest(path: readonly PropertyKey[]): Node {
    let node = this.#root;
    for (const part of path) {
      const next =
        node.kind === 'map'
          ? this.#entryOf(node, String(part))?.value
          : node.kind === 'list'
            ? node.items[Number(part)]
            : undefined;
      if (next === undefined) break;
      node = next;
    }
    return node;
  }

  #entryOf(map: MapNode, key: string): Entry | undefined {
    let entries = this.#entries.get(map);
    if (entries === undefined) this.#entries.set(map, (entries = new Map(map.entries.map((e) => [e.key, e]))));
    return entries.get(key);
  }
}
