/** Where a literal stands in a value: at its end, at its start, as the whole of it, anywhere. */
export type Position = 'suffix' | 'prefix' | 'equals' | 'contains';

/** A folded text of at least one character, and the atoms that are true where it stands. */
export interface Literal {
  readonly text: string;
  readonly position: Position;
  readonly atoms: readonly number[];
}

/** Receives the atoms of every literal that an index finds. */
export interface Sink {
  /** @param list from packList; entry 0 is the sink's to write, and stays with the list */
  found(list: Int32Array): void;
}

/** Tells the atoms of all its literals that a text has. */
export interface LiteralIndex {
  /** @returns how many characters it looked at, those that it compared included: at most a fixed number for each of the text */
  scan(text: string, sink: Sink): number;
  /** Every list that `scan` can hand over, for a sink that wants its notes back. */
  readonly lists: readonly Int32Array[];
  /** Bytes of its tables. */
  readonly bytes: number;
}

/** Atoms as an index hands them over: each once, after an entry that belongs to the sink. */
export function packList(atoms: Iterable<number>): Int32Array {
  return Int32Array.from([0, ...new Set(atoms)]);
}
