import type { Item } from '../events/item.ts';
import type { Position } from '../events/position.ts';

/**
 * A place that events go to. Its lane calls `open` first, then one `write` at a
 * time, `flush` and `close` last; after a failed write, `close` and `open` again.
 */
export interface Output {
  /** Ready to write when it resolves. @throws when the place cannot be used; the message says why and what to do */
  open(): Promise<void>;

  /**
   * One event as the output will write it: a single line, without its newline. Called before the event is queued, so what a
   * queue holds is exactly what is written. Must be quick and must not throw. Left out by who writes lines as they were received.
   */
  readonly encode?: ((item: Item) => string) | undefined;

  /** What the place held when it was first opened. Left out, like undefined: it does not know, and gets all that the helper holds. */
  readonly position?: Position | undefined;

  /**
   * What is written from now on is of this boot, its first number `first`. Called after `open`, before the first write and
   * whenever the boot changes. For who keeps a position; never fails an output.
   */
  begin?(bootId: string, first: number): Promise<void>;

  /**
   * Everything of this boot up to the number `last` is written, or is not for this output. Called now and then when that is more than
   * what was written says: after filters, or where only alerts are wanted. For who keeps a position; never fails an output.
   */
  reached?(bootId: string, last: number): Promise<void>;

  /**
   * Hands lines over, in order and each with its newline, and resolves when the place took all of them.
   * @param lines must not be kept: their memory is used again
   * @throws {WriteError} saying how much it took; any other error means nothing
   */
  write(lines: Buffer): Promise<void>;

  /** Resolves when what was written survives the end of this process. */
  flush(): Promise<void>;

  /** Frees what `open` took. Safe to call twice, and on an output that never opened. */
  close(): Promise<void>;
}

/** A write that took the first lines, `taken` bytes, and not the rest. */
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
