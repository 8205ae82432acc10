import type { SealEvent, SealReason } from './seal.ts';

/** The facts in a seal about helper, configuration and rules. Absent where not known. */
export type SealFacts = Pick<
  SealEvent,
  'kernel_count' | 'kernel_lost' | 'probe_sha256' | 'config_sha256' | 'rules_sha256'
>;

/** A place in the log at which outputs seal what came before it. It is kept with the records, so that it stays where it is when they are sent again. */
export interface Mark extends SealFacts {
  readonly time: string;
  readonly reason: SealReason;
  /** Numbers up to this one had come in; NO_NUMBER where that is not known. */
  readonly through: number;
  /** Numbers go on from here: those between were never given. */
  readonly next?: number;
}
