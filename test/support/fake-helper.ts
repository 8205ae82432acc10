import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXEC_EXAMPLE, type ExecEvent } from '../../shared/events/exec.ts';
import type { GapEvent } from '../../shared/events/gap.ts';
import { HELLO_EXAMPLE, type HelloEvent } from '../../shared/events/hello.ts';

export interface FakeHelperOptions {
  hello?: Partial<HelloEvent>;
  /** Milliseconds between heartbeats; none are sent when absent. */
  heartbeatMs?: number;
}

/** An exec event with this number and, if given, these arguments. */
export function execEvent(seq: number, overrides: Partial<ExecEvent> = {}): ExecEvent {
  return { ...EXEC_EXAMPLE, seq, pid: 1000 + (seq % 30_000), command: `/usr/bin/true ${seq}`, ...overrides };
}

export function gapEvent(first: number, last: number, overrides: Partial<GapEvent> = {}): GapEvent {
  return {
    type: 'gap',
    time: '2023-03-15T13:20:05.000000000Z',
    hop: 'ring',
    first,
    last,
    count: last - first + 1,
    cause: 'ring_full',
    ...overrides,
  };
}

/**
 * A stand-in for probes-helper: a real Unix socket that speaks the protocol, with
 * a backlog that is replayed to every new client. It traces nothing.
 */
export class FakeHelper {
  readonly folder: string;
  readonly socketPath: string;
  readonly clients = new Set<Socket>();
  /** Bytes that clients wrote to the pipe. There must never be any. */
  bytesFromClients = 0;
  connections = 0;
  backlog: string[] = [];
  hello: HelloEvent;
  /** Sent in place of `hello`, when set. */
  firstLine: string | undefined;
  readonly #heartbeatMs: number | undefined;
  #server: Server | undefined;
  #timers = new Set<NodeJS.Timeout>();

  constructor({ hello = {}, heartbeatMs }: FakeHelperOptions = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'probes-fake-'));
    chmodSync(this.folder, 0o750);
    this.socketPath = join(this.folder, 'events.sock');
    const { oldest_held_seq: _, ...rest } = HELLO_EXAMPLE;
    this.hello = { ...rest, first_seq: 1, last_seq: 0, ...hello };
    this.#heartbeatMs = heartbeatMs;
  }

  async listen(): Promise<this> {
    const server = createServer((client) => this.#serve(client));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.socketPath, resolve);
    });
    chmodSync(this.socketPath, 0o660);
    return this;
  }

  #serve(client: Socket): void {
    this.connections++;
    this.clients.add(client);
    client.on('data', (chunk) => {
      this.bytesFromClients += chunk.length;
    });
    client.on('error', () => undefined);
    const timer = this.#heartbeatMs === undefined ? undefined : setInterval(() => this.heartbeat(), this.#heartbeatMs);
    if (timer !== undefined) this.#timers.add(timer);
    client.on('close', () => {
      this.clients.delete(client);
      clearInterval(timer);
    });
    client.write(`${this.firstLine ?? JSON.stringify(this.hello)}\n`);
    if (this.backlog.length > 0) client.write(`${this.backlog.join('\n')}\n`);
  }

  /** Sends events to every client and keeps them for replay. */
  send(...events: object[]): void {
    const lines = events.map((event) => JSON.stringify(event));
    this.backlog.push(...lines);
    this.sendRaw(`${lines.join('\n')}\n`);
  }

  /** Sends bytes as they are, and keeps nothing. */
  sendRaw(bytes: string | Uint8Array): void {
    for (const client of this.clients) client.write(bytes);
  }

  heartbeat(): void {
    const last_seq = this.hello.last_seq;
    this.sendRaw(
      `${JSON.stringify({ type: 'heartbeat', time: this.hello.time, wall_clock: this.hello.time, boot_clock: 1, kernel_count: 0, kernel_lost: 0, last_seq })}\n`,
    );
  }

  disconnectAll(): void {
    for (const client of this.clients) client.destroy();
  }

  /** Ends as a helper that stops does: connections and socket are gone, the folder stays. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.disconnectAll();
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
