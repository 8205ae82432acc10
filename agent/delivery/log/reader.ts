import type { Position } from '../../events/position.ts';
import type { SealState } from '../../events/seal-state.ts';
import type { Made, Piece } from './cursor.ts';
import type { Loss } from './loss.ts';

/** The source of a delivery: a place in the queue to the outputs, in memory or in the spool. */
export interface LogReader {
  readonly alertsOnly: boolean;
  /** Records for this output that are not delivered. */
  readonly lagRecords: number;
  readonly lagBytes: number;
  /** Records for this output that ever came in, those that were delivered or given up included. */
  readonly everAppended: number;
  /** Everything that the output is going to have up to here is delivered; undefined while some is not, or it is not known. */
  readonly passed: Position | undefined;
  /** Whether undelivered records survive a restart. */
  readonly isKept: boolean;
  /**
   * Prepares the next records for `take`.
   * @returns a promise to await before the next call; undefined when `take` can be called now. Never rejects.
   */
  prepare(): Promise<unknown> | undefined;
  /** The state of the seals that was saved with the place; undefined where there is none. Of use once `prepare` has nothing to wait for. */
  readonly seals: SealState | undefined;
  /** The boot of the next record; undefined where there is none. */
  nextBootId(): string | undefined;
  /**
   * Reads the next adjacent records within the limits, at least one; or a line that the cursor made.
   * @param after if given, records of another boot than this piece are left for the next call
   * @returns undefined when nothing more is there now
   */
  take(limits: { bytes: number; records: number }, after?: Piece): Piece | undefined;
  /** Marks all records read as delivered, and `seals` as the state of the seals after them. @returns the output's position, if its own bookmark has to store it */
  commit(seals?: SealState): Position | undefined;
  /** Saves the committed position, if the reader itself stores it. Never rejects. @returns undefined where there is nothing to save */
  save(): Promise<void> | undefined;
  /** Inserts a gap next, for records that the receiver refused. */
  insertGap(bootId: string | undefined, range: Omit<Loss, 'unnumbered'>, cause: string): void;
  /** Inserts a line next. */
  insert(made: Made): void;
  /** Gives up everything that was not read, unless it survives a restart. @returns the gaps that name it, boot by boot */
  giveUp(cause: string): Made[];
  /** Excludes later records from this output. Earlier ones can still be read. */
  end(): void;
  /** Gives up its place in this process. Safe to call twice. */
  close(): Promise<void>;
}
