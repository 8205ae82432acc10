/**
 * A line in pieces. They go into the backlog one after the other: to join a line of hundreds of kilobytes first would
 * copy it once more, into memory that the kernel has to provide page by page.
 */
export interface LongLine {
  /** Bytes of all pieces, the newline included. */
  readonly bytes: number;
  /** A string stands for one byte with each of its characters (latin1), also where these are the bytes of UTF-8. */
  readonly pieces: readonly (string | Buffer)[];
}
