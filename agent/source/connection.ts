export interface ConnectionHandlers {
  /** The memory that `room` gave now holds this many bytes. @returns whether to continue reading; if not, `resume` is called later */
  onBytes(bytes: number): boolean;
  onError(error: Error): void;
  /** The connection has ended, from either side. Called once. */
  onClose(): void;
}

/** A connection to the helper, as its reader sees it. */
export interface SourceConnection {
  resume(): void;
  destroy(): void;
}
