import type { ExecEvent, ExecFailedEvent } from '../../../shared/events/exec.ts';

type Seen<E> = Omit<E, 'seq' | 'command' | 'argv'> & {
  readonly filename: string;
  /** Undefined if the source could not report the arguments. */
  readonly argv: readonly string[] | undefined;
  /** Index in `argv` of the first one that the caller passed after its own argv[0]. */
  readonly callersFrom: number;
};

/** A process as reported by a child: an event of shared/events/exec.ts without its number and command line. */
export type SeenProcess = Seen<ExecEvent> | Seen<ExecFailedEvent>;

/** Receives the results of a decoder, in their order. */
export interface Findings {
  process(seen: SeenProcess): void;

  /** This many events were numbered by the source and did not arrive. */
  missing(count: number, cause: 'ring_full' | 'unknown'): void;

  /** The child ended and another one has begun; nobody reported the events in between. */
  restarted(): void;
}

/** Turns a child's output into events. One decoder for the whole life of the helper; the child behind it may change. */
export interface Decoder {
  /** Takes the next output of the child, in pieces of any size. The caller may reuse the bytes when it returns. */
  push(bytes: Buffer): void;

  /**
   * Takes a line of the child's standard error. @returns whether it understands the line, which then need not be passed
   * on
   */
  complaint(line: string): boolean;

  /** Events that the source has numbered, as far as it reported, over all children. */
  readonly counted: number;

  /** Of those, events that were reported as missing. */
  readonly missed: number;

  /** Records or lines that were invalid. */
  readonly unreadable: number;

  /** The reason why the source reports less than it should; undefined without one. */
  readonly limit: string | undefined;
}

/**
 * The mark that the helper writes between the output of two children: a newline, which ends half a record, then a line
 * that is neither a record nor JSON.
 */
export const RESTART_MARK = '\n#\n';
