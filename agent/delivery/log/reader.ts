import type { Position } from '../../events/position.ts';
import type { Loss, Piece } from './cursor.ts';

/** What a delivery reads from: a place in what is on its way to the outputs, in memory or in the spool. */
export interface LogReader {
  readonly alertsOnly: boolean;
  /** Records for this output that are not delivered. */
  readonly lagRecords: number;
  readonly lagBytes: number;
  /** Records for this output that ever came in, those that were delivered or given up included. */
  readonly everAppended: number;
  /** Everything that the output is going to have up to here is delivered; undefined while some is not, or it is not known. */
  readonly passed: Position | undefined;
  /** Whether what is not delivered is there after a restart. */
  readonly isKept: boolean;
  /**
   * Gets what comes next ready to be taken.
   * @returns what to wait for before this is called again; undefined when `take` can be called now. Never rejects.
   */
  prepare(): Promise<void> | undefined;
  /**
   * Reads on: records that lie side by side, of so many bytes and records at most, but one at least; or a line that was made here.
   * @param after when given, what is of another boot than this piece is left for the next time
   * @returns undefined when nothing more is there now
   */
  take(limits: { bytes: number; records: number }, after?: Piece): Piece | undefined;
  /** Everything that was read is delivered. @returns how far the output is, where its own bookmark has to remember that */
  commit(): Position | undefined;
  /** Remembers what was committed, where this remembers it itself. Never rejects. */
  save(): Promise<void>;
  /** A gap that comes next, for records that the receiver refused. */
  insertGap(bootId: string | undefined, range: Omit<Loss, 'unnumbered'>, cause: string): void;
  /** Nothing that comes in from now on is for this output. What is there already can be read. */
  end(): void;
  /** Gives up its place in this process. Safe to call twice. */
  close(): Promise<void>;
}
