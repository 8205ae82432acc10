/** Who is at the other end of a connection, as the operating system says. */
export interface Peer {
  readonly pid: number;
  /** Absent on Windows, where users have no numbers. */
  readonly uid?: number;
}

/** What becomes of a connection while nobody sends on it. */
export interface ConnectionEvents {
  /** There is room again, after `awaitRoom`. */
  onRoom(): void;
  /** The other end left, or wrote although the pipe goes one way. Called once at most; the connection is still to be closed. */
  onEnd(end: 'left' | 'wrote'): void;
}

/** One client's end of the pipe, as its system gives it. It can be written to; there is no way to read. */
export interface Connection {
  readonly peer: Peer;

  /** Begins to tell of events. Called once, before anything else. */
  begin(events: ConnectionEvents): void;

  /**
   * Offers bytes without ever waiting; they are the caller's again when it returns.
   * @returns how many were taken, `full` when there is no room now, `gone` when nobody is there to read any more
   */
  send(piece: Buffer): number | 'full' | 'gone';

  /** Asks for `onRoom`, once, in a later turn of the loop and when there is room. */
  awaitRoom(): void;

  /** Ends the connection. No event is told from here on. */
  close(): void;
}

/** Where clients connect. */
export interface Listener {
  /** Calls back whenever `accept` may have something. Called once. */
  begin(onReady: () => void): void;

  /**
   * Takes the next client that is waiting.
   * @returns `refused` for one that may not have the stream and was sent away, undefined when none is waiting
   */
  accept(): Connection | 'refused' | undefined;

  /** Takes no more clients; connections that were accepted go on. */
  close(): void;
}
