import type { Position } from '../events/position.ts';
import type { Format } from '../formats/format.ts';
import type { SealState } from '../events/seal-state.ts';

/** Lines that an output is given to send, in order. */
export interface Batch {
  /** Each with its newline. Lent: the memory is used again after `send` has resolved. */
  readonly lines: Buffer;
  /** How many lines there are; one at least. */
  readonly records: number;
  /** The boot that the numbers are of; events do not carry it. Undefined before any is known. */
  readonly bootId: string | undefined;
  /** The lowest number among the lines; NO_NUMBER where none has one. */
  readonly first: number;
  /** The last number among the lines; NO_NUMBER where none has one. */
  readonly last: number;
  /** Where the line of record `i`, counted from 0, ends in `lines`. */
  endOf(i: number): number;
  /** The numbers that record `i` stands for: twice its own, or those of a gap; NO_NUMBER where it has none. */
  numbersOf(i: number): { readonly first: number; readonly last: number };
  /** Whether record `i` is a gap. */
  isGap(i: number): boolean;
  /**
   * Says that the output is not stuck: part of the batch was answered, or it waits on purpose. Call it now and then during a
   * `send` that may take longer than `stuckAfterMs`.
   */
  stillWorking(): void;
}

/** The fate of a batch, as judged by the output, which alone knows its protocol. */
export type Outcome =
  /** The place has all of it. */
  | { readonly kind: 'taken' }
  /**
   * The rest may be taken later: the connection was lost, time ran out, a name did not resolve, the disk is full, the receiver asks
   * for patience. The batch is sent again, without its first `taken` records.
   */
  | {
      readonly kind: 'retry';
      readonly reason: string;
      readonly taken?: number;
      /** The receiver's own word for how long to wait, in milliseconds; the delivery's if there is none. */
      readonly afterMs?: number;
      /** Whether the output has to be closed and opened before. */
      readonly reopen?: boolean;
    }
  /**
   * The receiver will never take the records with these places, counted from 0; it has all others of the first `through`, which is
   * the whole batch where it is left out. What is behind them is sent again: at once, or later where there is `again`.
   */
  | {
      readonly kind: 'refused';
      readonly reason: string;
      readonly records: readonly number[];
      readonly through?: number;
      /** Why the receiver did not take what is behind them, and its own word for how long to wait, in milliseconds. */
      readonly again?: { readonly reason: string; readonly afterMs?: number };
    };

/** Ten minutes: no step without a timeout of its own takes so long, except on a disk that hangs. */
export const STUCK_AFTER_MS = 600_000;

export const TAKEN: Outcome = { kind: 'taken' };

/** When a batch is sent: as soon as one of the first two is reached, or the oldest record has waited that long. */
export interface BatchLimits {
  /** Bytes of lines. A single longer line is a batch all the same. */
  readonly bytes: number;
  readonly records: number;
  /** Milliseconds; 0 sends what there is. */
  readonly ageMs: number;
}

/** Where an output remembers how far it got, so that a restart goes on from there. */
export interface Bookmark {
  /** How far the output is; undefined when that is not known: it then gets all that the helper holds. Called once, after `open`. */
  load(): Promise<Position | undefined>;
  /** How far its seals are, as its lines say; undefined where they do not. Called once, after `load`, where the output seals. */
  loadSeals?(): Promise<SealState | undefined>;
  /**
   * The output has everything up to this position that it is going to have. Called after each batch that it took, and now and
   * then while what passes is not for it. Never rejects.
   * @returns undefined where there is nothing to wait for
   */
  commit(position: Position): Promise<void> | undefined;
}

/** A place that events go to. `open` comes first, then one `send` at a time, `flush` and `close` last. */
export interface Output {
  /** Left out: lines are written as they were received. */
  readonly format?: Format | undefined;
  /** Left out: what there is, up to one segment of the log. */
  readonly limits?: BatchLimits | undefined;
  /** Left out: it does not know how far it got. */
  readonly bookmark?: Bookmark | undefined;
  /**
   * How long a step (`open`, `send`, `close` or the bookmark's) may take before the output counts as stuck, in milliseconds: by
   * far longer than its own timeouts allow. Infinity where it may wait for its reader for ever. Left out: STUCK_AFTER_MS.
   */
  readonly stuckAfterMs?: number | undefined;

  /** Ready to send when it resolves. @throws when the place cannot be used; the message says why and what to do */
  open(): Promise<void>;

  /**
   * Hands a batch over. After an error, the caller closes, opens and tries again.
   * @throws {ReaderGoneError} when nobody is there any more to read, for good
   */
  send(batch: Batch): Promise<Outcome>;

  /** Resolves when what was sent survives the end of this process. */
  flush(): Promise<void>;

  /** Frees what `open` took. Safe to call twice, and on an output that never opened. */
  close(): Promise<void>;
}

/** Whoever read this output is gone for good (a closed pipe). Not a failure: the agent ends quietly. */
export class ReaderGoneError extends Error {
  override readonly name = 'ReaderGoneError';
}
