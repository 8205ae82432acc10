import type { Item } from '../item.ts';

/**
 * A place that events go to. Its lane calls `open` first, then one `write` at a
 * time, `flush` and `close` last; after a failed write, `close` and `open` again.
 */
export interface Output {
  /** Ready to write when it resolves. @throws when the place cannot be used; the message says why and what to do */
  open(): Promise<void>;

  /**
   * One event as the output will write it. Called before the event is queued, so what a queue holds is
   * exactly what is written. Must be quick and must not throw.
   */
  encode(item: Item): string;

  /**
   * Hands records over, in order, and resolves when the place took all of them.
   * @throws {WriteError} saying how many of them it took; any other error means none
   */
  write(records: readonly string[]): Promise<void>;

  /** Resolves when what was written survives the end of this process. */
  flush(): Promise<void>;

  /** Frees what `open` took. Safe to call twice, and on an output that never opened. */
  close(): Promise<void>;
}

/** A write that took the first `taken` records of a batch and not the rest. */
export class WriteError extends Error {
  override readonly name = 'WriteError';
  readonly taken: number;

  constructor(message: string, taken: number, options?: ErrorOptions) {
    super(message, options);
    this.taken = taken;
  }
}

/** Whoever read this output is gone for good (a closed pipe). Not a failure: the agent ends quietly. */
export class ReaderGoneError extends Error {
  override readonly name = 'ReaderGoneError';
}
