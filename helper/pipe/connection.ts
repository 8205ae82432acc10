/** The identity of the other end of a connection, as the operating system reports it. */
export interface Peer {
  readonly pid: number;
  /** Absent on Windows, where users have no numbers. */
  readonly uid?: number;
}

/** Events of a connection while nobody sends on it. */
export interface ConnectionEvents {
  /** There is room again, after `awaitRoom`. */
  onRoom(): void;
  /**
   * The other end left, or wrote although the pipe is one-way. Called at most once; the connection must still be
   * closed.
   */
  onEnd(end: 'left' | 'wrote'): void;
}

/** One client's end of the pipe, as the system provides it. It can be written to; it has no way to read. */
export interface Connection {
  readonly peer: Peer;

  /** Starts reporting events. Called once, before anything else. */
  begin(events: ConnectionEvents): void;

  /**
   * Sends bytes without ever waiting; the caller may reuse them when it returns.
   * @returns how many were taken, `full` if there is no room now, `gone` if nobody is there to read any more
   */
  send(piece: Buffer): number | 'full' | 'gone';

  /** Requests one call of `onRoom`, in a later turn of the loop, when there is room. */
  awaitRoom(): void;

  /** Ends the connection. It reports no event from here on. */
  close(): void;
}

/** The place where clients connect. */
export interface Listener {
  /** Calls back whenever `accept` may have something. Called once. */
  begin(onReady: () => void): void;

  /**
   * Takes the next waiting client.
   * @returns `refused` for one that may not read the stream and was disconnected, undefined if none is waiting
   */
  accept(): Connection | 'refused' | undefined;

  /** Accepts no more clients; accepted connections continue. */
  close(): void;
}
