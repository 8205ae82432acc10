import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { systemCode } from '../../errors.ts';
import { connectionProblem } from '../network/connection-error.ts';
import { nameFor } from '../network/tls.ts';
import type { Address } from './address.ts';

/** A receiver's place: a port of a host, or a Unix stream socket. */
export type Target = Address | { readonly path: string };

export interface ConnectOptions {
  readonly target: Target;
  /** Of TLS; without it, the connection is plain. */
  readonly tls?: ConnectionOptions | undefined;
  /** Milliseconds for the connection, TLS included, and then for each write. */
  readonly timeoutMs: number;
}

/** The most bytes that are written at once. Each must leave within the time-out, so it says how slow a receiver may be. */
const MAX_WRITE_BYTES = 64 * 1024;

/** Idle seconds before the kernel asks whether the receiver is still there. */
const KEEP_ALIVE_MS = 60_000;

const UNIX_ADVICE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket',
  EACCES: "the agent's user must not write to that socket",
  EPROTOTYPE:
    'that is a datagram socket, as /dev/log is, and Node.js has none: let the receiver listen on a stream socket (rsyslog: imptcp)',
};

/** Why a connection is of no use any more. The message never holds what was sent or received. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

/** One connection to a receiver, which ends with its first problem. */
export class Connection {
  readonly #socket: Socket;
  readonly #timeoutMs: number;
  #problem: ConnectionError | undefined;
  /** Called with each piece that comes in. */
  onData: (piece: Buffer) => void = () => undefined;
  /** Called when a part of a write has left, and when the connection ends. */
  onChange: () => void = () => undefined;

  private constructor(socket: Socket, timeoutMs: number, advice: Readonly<Record<string, string>>) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    socket.on('data', (piece) => this.onData(piece));
    socket.on('error', (error) => {
      const code = systemCode(error) ?? '';
      this.fail(advice[code] === undefined ? connectionProblem(error) : `${advice[code]} (${code})`);
    });
    for (const event of ['end', 'close']) socket.on(event, () => this.fail('the receiver ended the connection'));
  }

  /** @throws {ConnectionError} when there is none in time; the message says why */
  static async open({ target, tls, timeoutMs }: ConnectOptions): Promise<Connection> {
    const options = { ...target, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
    const socket =
      tls === undefined
        ? connectPlain(options)
        : connectTls({ ...options, ...('host' in target ? nameFor(target.host) : {}), ...tls });
    const connection = new Connection(socket, timeoutMs, 'path' in target ? UNIX_ADVICE : {});
    const isOpen = tls === undefined ? 'connect' : 'secureConnect';
    await connection.#wait('no connection in time (timeout)', (done) => socket.once(isOpen, done));
    return connection;
  }

  /** Why it has ended; undefined while it has not. */
  get problem(): ConnectionError | undefined {
    return this.#problem;
  }

  /** Ends it for this reason, unless it has ended already. */
  fail(reason: string): void {
    if (this.#problem !== undefined) return;
    this.#problem = new ConnectionError(reason);
    this.#socket.destroy();
    this.onChange();
  }

  /**
   * Resolves when the kernel has all of it. One write at a time. The pieces are copied first, so their memory is free at once.
   * @throws {ConnectionError} when the connection ends before
   */
  async write(pieces: readonly Uint8Array[]): Promise<void> {
    const data = Buffer.concat(pieces);
    for (let at = 0; at < data.length; at += MAX_WRITE_BYTES) {
      const part = data.subarray(at, at + MAX_WRITE_BYTES);
      await this.#wait('the receiver takes nothing more (timeout)', (done) =>
        this.#socket.write(part, (error) => error ?? done()),
      );
      this.onChange();
    }
  }

  /** Resolves when `start`'s argument is called; throws when the connection ends before, or is ended since time runs out. */
  async #wait(late: string, start: (done: () => void) => unknown): Promise<void> {
    if (this.#problem !== undefined) throw this.#problem;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const ended = (): void => reject(this.#problem);
    const timer = setTimeout(() => this.fail(late), this.#timeoutMs);
    this.#socket.once('close', ended);
    start(resolve);
    await promise.finally(() => {
      clearTimeout(timer);
      this.#socket.off('close', ended);
    });
  }

  /** Says that no more comes and waits until the receiver has ended the connection too, so many milliseconds at most. */
  async end(patienceMs: number): Promise<void> {
    if (this.#problem === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, patienceMs);
      this.#socket.once('close', resolve);
      this.#socket.end();
      await promise.finally(() => clearTimeout(timer));
    }
    this.fail('closed');
  }
}
