/** What the helper's `hello` says about numbers. */
export interface Numbering {
  /** Numbers are unique within a boot; events do not carry its name. */
  readonly bootId: string;
  /** Where this numbering begins: the probe was loaded here. */
  readonly firstSeq: number;
  /** The newest number given. */
  readonly lastSeq: number;
}

/** How far a place got: it has everything up to the number `last` of a boot that it is going to have. */
export interface Position {
  readonly bootId: string;
  readonly last: number;
}
