import type { ExecEvent, ExecFailedEvent } from '../../../shared/events/exec.ts';

type Seen<E> = Omit<E, 'seq' | 'command' | 'argv'> & {
  readonly filename: string;
  /** Undefined when the source could not tell the arguments. */
  readonly argv: readonly string[] | undefined;
  /** Index in `argv` of the first one that the caller passed after its own argv[0]. */
  readonly callersFrom: number;
};

/** A process as a child tells of it: an event of shared/events/exec.ts before it has a number and its command line. */
export type SeenProcess = Seen<ExecEvent> | Seen<ExecFailedEvent>;

/** Where a decoder tells what it found, in its order. */
export interface Findings {
  process(seen: SeenProcess): void;

  /** So many events were numbered by the source and did not come. */
  missing(count: number, cause: 'ring_full' | 'unknown'): void;

  /** The child ended and another one has begun; what happened in between was told by nobody. */
  restarted(): void;
}

/** Turns a child's output into events. One for the whole life of the helper; the child behind it may change. */
export interface Decoder {
  /** Takes what the child printed next, in pieces of any size. The bytes are the caller's again when it returns. */
  push(bytes: Buffer): void;

  /** Takes a line of the child's standard error. @returns whether it is understood, and need not be passed on */
  complaint(line: string): boolean;

  /** Events that the source has numbered, as far as it told, over all children. */
  readonly counted: number;

  /** Of those, events that were reported as missing. */
  readonly missed: number;

  /** Records or lines that were none. */
  readonly unreadable: number;

  /** Why the source tells less than it should; undefined while it does not. */
  readonly limit: string | undefined;
}

/**
 * What the helper itself writes between the output of two children: a newline, which ends half
 * a record, then a line that is neither a record nor JSON.
 */
export const RESTART_MARK = '\n#\n';
