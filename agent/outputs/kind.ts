import type * as z from 'zod';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Output } from './output.ts';
import type { Probed } from './probe.ts';

/** Where an output writes, as something two outputs must not share, and the key that says so. */
export interface Destination {
  id: string;
  key: string;
  /** The place whose output moves what it wrote to here: nobody else may write here either. */
  rotatedFrom?: string;
}

/** A type of output: its configuration, and how to make one of it. */
export interface OutputKind<Schema extends z.ZodObject> {
  schema: Schema;
  /** Whether the output uses the spool, when there is one: it sends over a network, to somebody who can be away for long. */
  spooled?: boolean;
  /** Whether its lines say who they are from, and seals among them what they prove. The output or the spool then keeps how far they are. */
  sealed?: (config: z.output<Schema>) => boolean;
  /** Makes the output; loads its code only then, since most machines have one or two outputs. Opens nothing. */
  create: (config: z.output<Schema>, telemetry: Telemetry) => Promise<Output>;
  /** Gets the data as read, before validation; undefined when it names no place. */
  destination: (raw: Record<string, unknown>) => Destination | undefined;
  /** A further place that it writes to, in the same way. */
  alsoWrites?: (raw: Record<string, unknown>) => Destination | undefined;
  /**
   * Connects as the output would, with its own certificates and credentials, and sends no event. Never rejects. Left out: there is
   * nobody to connect to.
   */
  probe?: (config: z.output<Schema>) => Promise<Probed>;
  /** The promise that it cannot keep as it is configured, for a warning of `check`; undefined when there is none. */
  weakness?: (config: z.output<Schema>) => string | undefined;
}
