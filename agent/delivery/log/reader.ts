import type { Item } from '../../events/item.ts';
import type { Position } from '../../events/position.ts';
import type { SealState } from '../../events/seal-state.ts';
import type { OutputCounters } from '../output-counters.ts';
import type { Loss } from './loss.ts';
import type { MemorySegment } from './memory-segment.ts';

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

export interface CursorOptions {
  /** The output's largest lag, in bytes of its lines. Beyond it, the oldest are dropped. */
  maxLagBytes: number;
  /** Whether the output gets only alerts and gaps. */
  alertsOnly: boolean;
  /** The output's position from an earlier run, if known. */
  position: Position | undefined;
  /** Called after records for this output came in, or the log went on without any. */
  onMoved: () => void;
  /** Called when records were dropped; their gap comes next. */
  onOvertaken: (loss: Loss) => void;
  /** Called when the output continues after a number that it has. */
  onResumed: (after: number) => void;
  /** Called when the position belongs to this boot and cannot be right. */
  onPositionUnknown: (reason: string) => void;
  /**
   * Treatment of marks, which no output sends: `skip` passes over them, `stop` gives each as a piece of its own, `copy` gives them
   * among the other records.
   */
  marks?: 'skip' | 'stop' | 'copy';
  /** Whether the output writes hashes: `prepare` then waits for those of the next records, which is bounded. */
  awaitsHashes?: boolean;
  /** Counts what the output does not get. */
  counters?: OutputCounters;
  /** Hop and cause of gaps for records that were given up; by default, a full queue of the output. */
  loss?: { readonly hop: string; readonly cause: string };
  now?: () => Date;
}

/** The result of one `take`. */
export type Piece = Run | Made;

/** Records of a segment from `from` up to, not including, `to`: their lines lie side by side. */
export interface Run {
  readonly segment: MemorySegment;
  readonly from: number;
  readonly to: number;
  readonly bootId: string | undefined;
}

/** A line that is not in the log: a gap for lost records, or the rest of a partly delivered gap. */
export interface Made {
  readonly item: Item;
  readonly bootId: string | undefined;
}
