import type { Deliveries } from '../delivery.ts';
import type { Storm } from '../storm.ts';

/** A program that tells which programs are started. */
export interface Observer {
  readonly id: string;
  readonly title: string;
  /** The shapes it is measured with; all when absent. */
  readonly shapes?: readonly string[];
  /** The command that is run, for the reader of the report. */
  readonly command: string;
  /** A description, with its origin. */
  version(): string;
  /** Installs what it needs. @returns why it cannot be measured here, or undefined */
  missing(): string | undefined;
  /** Starts it. What it writes goes into `folder`. */
  start(folder: string): Promise<Watch>;
}

/** An observer that runs. */
export interface Watch {
  /** Its processes, by what they do. */
  readonly processes: Readonly<Record<string, number>>;
  /** Processes that belong to the kernel but work for it alone. */
  readonly kernel?: Readonly<Record<string, number>>;
  /** Milliseconds until its start is over, with all that it does only once; 0 when absent. */
  readonly startMs?: number;
  /** Milliseconds for which it holds an event back before it writes it; 0 when absent. It may do nothing meanwhile. */
  readonly holdsMs?: number;
  /** Bytes that it has written so far. */
  size(): number;
  /** Its messages about itself. */
  log(): string;
  /** Ends it; everything is written then. */
  stop(): Promise<void>;
  /** Reads what it wrote, after `stop`. */
  read(deliveries: Deliveries, storm: Storm): Promise<void>;
}
