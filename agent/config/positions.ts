import { isCollection, isMap, isScalar, type Document, type LineCounter, type Node } from 'yaml';

/** Finds the line and column that a path of a parsed YAML document stands at. */
export class Positions {
  readonly #document: Document;
  readonly #lines: LineCounter;

  constructor(document: Document, lines: LineCounter) {
    this.#document = document;
    this.#lines = lines;
  }

  /** Of the value at `path`, or of the nearest thing around it that exists. */
  ofValue(path: readonly PropertyKey[]): { line: number; column: number } {
    return this.#of(this.#nearest(path));
  }

  /** Of the key `key` in the map at `path`. */
  ofKey(path: readonly PropertyKey[], key: string): { line: number; column: number } {
    const map = this.#nearest(path);
    if (isMap(map)) {
      for (const pair of map.items) if (isScalar(pair.key) && String(pair.key.value) === key) return this.#of(pair.key);
    }
    return this.#of(map);
  }

  #nearest(path: readonly PropertyKey[]): Node | null {
    let node = this.#document.contents as Node | null;
    for (const part of path) {
      if (!isCollection(node)) break;
      const next = node.get(part, true) as Node | undefined;
      if (next === undefined || next === null) break;
      node = next;
    }
    return node;
  }

  #of(node: Node | null): { line: number; column: number } {
    const offset = node?.range?.[0];
    if (offset === undefined) return { line: 1, column: 1 };
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }
}
