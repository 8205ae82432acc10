import type { Problem } from '../problem.ts';

/** A YAML value that still knows where it stands. */
export type Node = MapNode | ListNode | ScalarNode;

interface Place {
  readonly path: string;
  /** Of the first character in the file, or -1 where the value did not come from text. */
  readonly offset: number;
}

export interface MapNode extends Place {
  readonly kind: 'map';
  readonly entries: readonly Entry[];
}

export interface Entry {
  readonly key: string;
  readonly keyOffset: number;
  readonly value: Node;
}

interface ListNode extends Place {
  readonly kind: 'list';
  readonly items: readonly Node[];
}

export interface ScalarNode extends Place {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** The value as text. Integers that a double cannot hold keep every digit. */
  readonly text: string;
  /** A number as it stands in the file, where that is another text: `0x3e7`, `1.10`. Empty where nothing stands, which is null. */
  readonly written?: string;
  /** Whether `offset + i` is the place of the value's i-th character. */
  readonly verbatim: boolean;
}

/** The file that a document stands in: turns offsets into lines. */
export interface Source {
  readonly file: string;
  place(offset: number): { line: number; column: number };
}

/** The result of parsing a file with one or several documents. */
export interface YamlFile {
  readonly source: Source;
  readonly documents: readonly Node[];
  readonly problems: readonly Problem[];
}

/** Reads one document and collects what is wrong with it. */
export class Reader {
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly source: Source;

  constructor(source: Source) {
    this.source = source;
  }

  /** `offset` points closer than the node, for example into a condition. */
  problem(node: Node, message: string, offset = node.offset): void {
    this.problems.push(this.#at(offset, node.path, message));
  }

  warning(node: Node, message: string): void {
    this.warnings.push(this.#at(node.offset, node.path, message));
  }

  #at(offset: number, path: string, message: string): Problem {
    const { line, column } = offset < 0 ? { line: 0, column: 0 } : this.source.place(offset);
    return { file: this.source.file, line, column, path, message };
  }
}

export function entryOf(node: MapNode, key: string): Node | undefined {
  for (const entry of node.entries) if (entry.key === key) return entry.value;
  return undefined;
}

/** Describes a value for an error message. */
export function describe(node: Node): string {
  if (node.kind === 'map') return 'a map';
  if (node.kind === 'list') return 'a list';
  if (node.value === null) return 'nothing';
  return typeof node.value === 'string' ? JSON.stringify(node.value) : `the ${typeof node.value} ${node.text}`;
}

/** The plain JavaScript value of a node. */
export function plain(node: Node): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(plain);
  return Object.fromEntries(node.entries.map((e) => [e.key, plain(e.value)]));
}
