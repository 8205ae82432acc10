/** The numbering that the helper's `hello` announces. */
export interface Numbering {
  /** Numbers are unique within a boot; events do not carry its name. */
  readonly bootId: string;
  /** The first number after the probe was loaded. */
  readonly firstSeq: number;
  /** The newest number given. */
  readonly lastSeq: number;
}

/** A destination's progress: it has everything meant for it up to the number `last` of a boot. */
export interface Position {
  readonly bootId: string;
  readonly last: number;
}
