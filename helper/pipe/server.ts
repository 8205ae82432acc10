import { MAX_CLIENTS, SEND_TURN_BYTES } from '../limits.ts';
import type { Backlog } from './backlog.ts';
import { Client, type ClientEnd } from './client.ts';
import type { Connection, Listener, Peer } from './connection.ts';

/** What the pipe did since it was opened. */
export type PipeCounts = Record<'accepted' | 'refused' | ClientEnd, number>;

/**
 * Serves the backlog to every client, each at its own pace. Writing is all it
 * does: no byte of a client is ever read, and one that writes is disconnected.
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

  /** Who is connected. */
  get peers(): Peer[] {
    return [...this.#clients].map((client) => client.peer);
  }

  /** Sends what is new to every client that can take it. Call after the state was committed. */
  pump(): void {
    for (const client of this.#clients) client.pump(SEND_TURN_BYTES);
  }

  /** Sends `line` to every client that has everything else; the others see by their events that we live. */
  heartbeat(line: string): void {
    const bytes = Buffer.from(line);
    for (const client of this.#clients) client.control(bytes);
  }

  /** Takes no more clients; those that are there go on. */
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
    // Bounded, so that connecting in a loop cannot keep us from the source.
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
