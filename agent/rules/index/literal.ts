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
  found(list: Int32Array): void;
}

/** Tells the atoms of all its literals that a text has. */
export interface LiteralIndex {
  scan(text: string, sink: Sink): void;
  /** Bytes of its tables. */
  readonly bytes: number;
}
