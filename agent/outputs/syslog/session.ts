/** Messages that are to be sent, in order. */
export interface Messages {
  readonly count: number;
  /** Header and line of message `i`, counted from 0, without a newline. Lent until `send` has resolved. */
  readonly at: (i: number) => readonly [Buffer, Buffer];
}

/** Their fate. */
export interface Sent {
  /** So many, from the first on, are settled: the receiver has them, or refused them for good. */
  readonly settled: number;
  /** Those among them that it refused, counted from 0. */
  readonly refused: readonly number[];
  /** Why the others are not settled. */
  readonly problem?: string;
}

/** A connection on which messages are sent, one `send` at a time. */
export interface Session {
  /** Why no more messages can be sent on it; undefined while they can. */
  readonly problem: string | undefined;
  /** Whether each message is answered. Otherwise one that was settled can be lost when the session ends. */
  readonly isAcknowledged: boolean;
  /** Sends messages until all are settled or the connection has ended. Never rejects because of the receiver. */
  send(messages: Messages): Promise<Sent>;
  /** Ends it in good order where that is possible. Never rejects. */
  close(): Promise<void>;
}
