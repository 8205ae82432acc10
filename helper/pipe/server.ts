import { MAX_CLIENTS, SEND_TURN_BYTES } from '../limits.ts';
import type { Backlog } from './backlog.ts';
import { Client, type ClientEnd } from './client.ts';
import type { Connection, Listener, Peer } from './connection.ts';

/** Counts of the pipe since it was opened. */
export type PipeCounts = Record<'accepted' | 'refused' | ClientEnd, number>;

/**
 * Serves the backlog to every client, each at its own pace. It only writes: it never reads a byte of a client, and
 * disconnects one that writes.
 */
export class PipeServer {
  readonly counts: PipeCounts = { accepted: 0, refused: 0, left: 0, wrote: 0, overtaken: 0 };
  readonly #listener: Listener;
  readonly #backlog: Backlog;
  readonly #hello: () => string;
  readonly #clients = new Set<Client>();

  /**
   * @param listener owned by this server from here on
   * @param hello makes the first line for a client that connects now
   */
  constructor(listener: Listener, backlog: Backlog, hello: () => string) {
    this.#listener = listener;
    this.#backlog = backlog;
    this.#hello = hello;
    backlog.follow(() => this.#leastBehind());
    listener.begin(() => this.#accept());
  }

  /** The connected clients. */
  get peers(): Peer[] {
    return [...this.#clients].map((client) => client.peer);
  }

  /** Sends new bytes to every client that can take them. Call it after the state was committed. */
  pump(): void {
    for (const client of this.#clients) client.pump(SEND_TURN_BYTES);
  }

  /** Sends `line` to every client that has everything else; the others see from their events that the helper lives. */
  heartbeat(line: string): void {
    const bytes = Buffer.from(line);
    for (const client of this.#clients) client.control(bytes);
  }

  /** Accepts no more clients; connected ones stay. */
  stopListening(): void {
    this.#listener.close();
  }

  /** Whether a client is so far behind that the backlog could soon overtake it. */
  get isLagging(): boolean {
    for (const client of this.#clients) if (client.behind > this.#backlog.capacity / 2) return true;
    return false;
  }

  /** Whether every client has everything. */
  get flushed(): boolean {
    for (const client of this.#clients) if (!client.upToDate) return false;
    return true;
  }

  #leastBehind(): number {
    let least = this.#clients.size === 0 ? 0 : Number.POSITIVE_INFINITY;
    for (const client of this.#clients) least = Math.min(least, client.behind);
    return least;
  }

  #accept(): void {
    // Bounded, so that clients that connect in a loop cannot keep the helper from the source.
    for (let i = 0; i < MAX_CLIENTS; i++) {
      const connection = this.#listener.accept();
      if (connection === undefined) return;
      if (connection === 'refused') this.counts.refused++;
      else this.#add(connection);
    }
  }

  #add(connection: Connection): void {
    if (this.#clients.size >= MAX_CLIENTS) {
      this.counts.refused++;
      connection.close();
      return;
    }
    this.counts.accepted++;
    const client = new Client(connection, this.#backlog, (end) => {
      this.counts[end]++;
      this.#clients.delete(client);
    });
    this.#clients.add(client);
    client.control(Buffer.from(this.#hello()));
    client.pump(SEND_TURN_BYTES);
  }
}
