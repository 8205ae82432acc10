export interface ConnectionHandlers {
  /** So many bytes lie in `memory` now. @returns whether to go on reading; else `resume` is called later */
  onBytes(bytes: number): boolean;
  onError(error: Error): void;
  /** The connection is over, whoever ended it. Called once. */
  onClose(): void;
}

/** A connection to the helper, of which only reading is known. */
export interface SourceConnection {
  resume(): void;
  destroy(): void;
}
