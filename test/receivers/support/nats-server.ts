import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { jetstream, jetstreamManager, type StreamConfig } from '@nats-io/jetstream';
import { connect, type ConnectionOptions, type NatsConnection } from '@nats-io/transport-node';
import { ownPort } from '../../support/own-port.ts';
import { PATIENCE } from '../../support/pace.ts';
import { endWithUs } from '../../support/reaper.ts';

/** A message of a stream, as the official client reads it. */
export interface Stored {
  readonly subject: string;
  readonly id: string | undefined;
  readonly event: Readonly<Record<string, unknown>>;
}

/** A NATS server with JetStream in a temporary folder, on loopback alone. */
export class NatsServer implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'probes-nats-server-'));
  readonly #program: string;
  readonly #client: ConnectionOptions;
  #port = 0;
  #process: ChildProcess | undefined;

  /** @param client what the test's own connections need, such as a password */
  constructor(program: string, client: ConnectionOptions = {}) {
    this.#program = program;
    this.#client = client;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get log(): string {
    return readFileSync(join(this.folder, 'log'), 'utf8');
  }

  /** Starts it; the second time with what it had stored. @param config further lines of its configuration file */
  async start(config = ''): Promise<this> {
    if (this.#port === 0) this.#port = await ownPort();
    const file = join(this.folder, 'nats.conf');
    const log = join(this.folder, 'log');
    if (this.#process === undefined || config !== '')
      writeFileSync(
        file,
        `listen: "${this.address}"\nlog_file: "${log}"\njetstream { store_dir: "${join(this.folder, 'data')}" }\n${config}\n`,
      );
    const child = spawn(this.#program, ['-c', file], { stdio: 'ignore' });
    endWithUs(child);
    this.#process = child;
    for (let waited = 0; waited < 30_000 * PATIENCE && child.exitCode === null; waited += 50) {
      try {
        await (await this.connect()).close();
        return this;
      } catch {
        await delay(50);
      }
    }
    throw new Error(`nats-server does not answer:\n${this.log.slice(-4000)}`);
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  connect(): Promise<NatsConnection> {
    return connect({ servers: this.address, reconnect: false, timeout: 2000, ...this.#client });
  }

  /** Makes a stream, or changes it. */
  async stream(config: Partial<StreamConfig> & { name: string }): Promise<void> {
    await using connection = await this.#open();
    const { streams } = await jetstreamManager(connection.nats);
    try {
      await streams.add(config);
    } catch {
      await streams.update(config.name, config);
    }
  }

  /** Asks JetStream's API, as the documents say. @returns its answer */
  async ask(subject: string, request: string): Promise<Record<string, unknown>> {
    await using connection = await this.#open();
    return (await connection.nats.request(subject, request, { timeout: 5000 })).json();
  }

  async count(stream: string): Promise<number> {
    await using connection = await this.#open();
    const { streams } = await jetstreamManager(connection.nats);
    return (await streams.info(stream)).state.messages;
  }

  /** Everything in a stream, in its order. */
  async stored(stream: string): Promise<Stored[]> {
    await using connection = await this.#open();
    const count = await this.count(stream);
    const consumer = await jetstream(connection.nats).consumers.get(stream);
    const stored: Stored[] = [];
    while (stored.length < count) {
      const messages = await consumer.fetch({ max_messages: Math.min(5000, count - stored.length), expires: 5000 });
      for await (const message of messages)
        stored.push({ subject: message.subject, id: message.headers?.get('Nats-Msg-Id'), event: message.json() });
    }
    return stored;
  }

  async #open(): Promise<AsyncDisposable & { readonly nats: NatsConnection }> {
    const nats = await this.connect();
    return { nats, [Symbol.asyncDispose]: () => nats.close() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
