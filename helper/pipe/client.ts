import { SEND_TURN_BYTES } from '../limits.ts';
import type { Backlog } from './backlog.ts';
import type { Connection, Peer } from './connection.ts';

/** The reason why a client is gone: it left, it wrote to us, or the backlog's end overtook it. */
export type ClientEnd = 'left' | 'wrote' | 'overtaken';

/**
 * One client: a position in the backlog. Bytes go from the backlog straight into its connection; bytes that the
 * connection does not take stay where they are.
 */
export class Client {
  readonly #connection: Connection;
  readonly #backlog: Backlog;
  readonly #ended: (end: ClientEnd) => void;
  #position: number;
  /** The unsent rest of a line that is not in the backlog (hello, heartbeat). */
  #control: Buffer | undefined;
  #waiting = false;
  #closed = false;

  /** @param connection owned by this client from here on */
  constructor(connection: Connection, backlog: Backlog, ended: (end: ClientEnd) => void) {
    this.#connection = connection;
    this.#backlog = backlog;
    this.#ended = ended;
    this.#position = backlog.tail;
    connection.begin({
      onRoom: () => {
        this.#waiting = false;
        this.pump(SEND_TURN_BYTES);
      },
      onEnd: (end) => this.#end(end),
    });
  }

  get peer(): Peer {
    return this.#connection.peer;
  }

  /** Bytes of the backlog that the client does not have yet. */
  get behind(): number {
    return this.#backlog.head - this.#position;
  }

  get upToDate(): boolean {
    return this.#control === undefined && this.#position === this.#backlog.head;
  }

  /** Sends a line to this client only, as soon as possible, if nothing is left to be sent before it. */
  control(line: Buffer): void {
    const atStart = this.#position === this.#backlog.tail;
    if (this.#closed || this.#control !== undefined || !(atStart || this.upToDate)) return;
    this.#control = line;
    this.pump(line.length);
  }

  /** Sends up to `limit` bytes, or until the connection is full; continues by itself when there is room again. */
  pump(limit: number): void {
    if (this.#closed) return;
    if (this.#position < this.#backlog.oldestByte) this.#end('overtaken');
    else if (!this.#waiting) this.#send(limit);
  }

  #send(limit: number): void {
    for (let budget = limit; !this.upToDate;) {
      // There is more to send than one turn allows: let the loop turn, then continue.
      if (budget <= 0) return this.#wait();
      const piece = this.#control ?? this.#backlog.peek(this.#position, budget);
      const sent = this.#connection.send(piece);
      if (sent === 'gone') return this.#end('left');
      if (sent === 'full') return this.#wait();
      budget -= sent;
      if (this.#control === undefined) this.#position += sent;
      else this.#control = sent < piece.length ? piece.subarray(sent) : undefined;
    }
  }

  #wait(): void {
    this.#waiting = true;
    this.#connection.awaitRoom();
  }

  #end(end: ClientEnd): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
    this.#ended(end);
  }
}
