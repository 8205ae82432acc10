import { chmodSync, chownSync, lstatSync, unlinkSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { reasonOf, systemCode } from '../errors.ts';
import { formatAddress, type Address } from './address.ts';
import { CONNECTION_TIMEOUT_MS, MAX_CONNECTIONS, MAX_HEADER_BYTES, REQUEST_TIMEOUT_MS } from './limits.ts';

/** A socket begins with read and write for its owner alone. */
const SOCKET_UMASK = 0o177;
const OWNER_MODE = 0o600;
const GROUP_MODE = 0o660;

/** Bounds of what a client can do; smaller only in tests. */
export interface ListenerLimits {
  readonly connections: number;
  readonly headerBytes: number;
  readonly requestMs: number;
  readonly connectionMs: number;
}

const LIMITS: ListenerLimits = {
  connections: MAX_CONNECTIONS,
  headerBytes: MAX_HEADER_BYTES,
  requestMs: REQUEST_TIMEOUT_MS,
  connectionMs: CONNECTION_TIMEOUT_MS,
};

/** The group that can reach a Unix socket besides its owner: the process's own, or one by number that it is in; else none. */
export type Group = 'own' | number | undefined;

export interface ListenerOptions {
  readonly group?: Group;
  /** Smaller only in tests. */
  readonly limits?: ListenerLimits;
}

/** How often is looked whether a request takes too long, in milliseconds. */
const CHECK_MS = 500;

/** The timer that ends each connection. */
const ENDS = new WeakMap<Socket, NodeJS.Timeout>();

/** Lifts the bound on the time of a connection, for a stream, which has bounds of its own. */
export function keepOpen(socket: Socket): void {
  clearTimeout(ENDS.get(socket));
}

/** An HTTP server on one address. It keeps no connection, and none beyond its time: whatever a client does, others are served. */
export class Listener {
  readonly #address: Address;
  readonly #server: Server;
  readonly #onError: (error: unknown) => void;
  #group: Group;

  /** @param onError an error after `open`, which the server outlives */
  constructor(
    address: Address,
    answer: RequestListener,
    onError: (error: unknown) => void,
    { group, limits = LIMITS }: ListenerOptions = {},
  ) {
    this.#address = address;
    this.#group = group;
    this.#server = createServer(
      {
        maxHeaderSize: limits.headerBytes,
        headersTimeout: limits.requestMs,
        requestTimeout: limits.requestMs,
        connectionsCheckingInterval: Math.min(CHECK_MS, limits.requestMs / 2),
        keepAlive: false,
      },
      answer,
    );
    // Left alone, Node.js answers 417 itself, without the headers of the gate, and keeps the connection.
    this.#server.on('checkExpectation', answer);
    this.#server.maxConnections = limits.connections;
    this.#server.maxRequestsPerSocket = 1;
    this.#server.on('connection', (socket) => {
      const end = setTimeout(() => socket.destroy(), limits.connectionMs).unref();
      ENDS.set(socket, end);
      socket.on('error', () => undefined).once('close', () => clearTimeout(end));
    });
    this.#onError = onError;
  }

  get group(): Group {
    return this.#group;
  }

  get address(): Address {
    return this.#address;
  }

  /** Listens when it resolves. @throws {Error} that says why it cannot, and what to do */
  async open(): Promise<void> {
    const address = this.#address;
    try {
      if (address.kind === 'unix') await removeStale(address.path);
      await this.#listen();
    } catch (error) {
      this.#server.close();
      throw new Error(`cannot listen on ${formatAddress(address)}: ${explain(error, address)}`, { cause: error });
    }
  }

  async #listen(): Promise<void> {
    const address = this.#address;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    if (address.kind === 'tcp')
      this.#server.listen({ host: address.host, port: address.port, exclusive: true }, resolve);
    else {
      // Node.js binds before `listen` returns, so that the socket never exists with a wider mode.
      const before = process.umask(SOCKET_UMASK);
      try {
        this.#server.listen({ path: address.path }, resolve);
      } finally {
        process.umask(before);
      }
    }
    await promise;
    this.admit(this.#group);
    this.#server.off('error', reject).on('error', this.#onError);
  }

  /** Lets another group connect. Who is connected stays. @throws {Error} when the process is not in that group */
  admit(group: Group): void {
    const address = this.#address;
    if (address.kind !== 'unix') return;
    chmodSync(address.path, OWNER_MODE);
    this.#group = group;
    if (group === undefined) return;
    try {
      chownSync(address.path, -1, group === 'own' ? process.getgid!() : group);
    } catch (error) {
      throw new Error(`the agent's user is not in group ${group}, so it cannot let it connect: ${reasonOf(error)}`, {
        cause: error,
      });
    }
    chmodSync(address.path, GROUP_MODE);
  }

  /** Listens no more, and ends every connection. A Unix socket is removed. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}

/** A socket that nobody listens on was left by an agent that was killed. Nothing else is removed. */
async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error('something else than a socket is there; remove it, or choose another path');
  if (await answers(path)) throw new Error('another process listens there; stop it, or choose another path');
  unlinkSync(path);
}

function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ path });
  socket.once('connect', () => resolve(true));
  socket.once('error', (error) => resolve(systemCode(error) !== 'ECONNREFUSED'));
  return promise.finally(() => socket.destroy());
}

function explain(error: unknown, { kind }: Address): string {
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return 'another process listens there; stop it, or choose another address';
    case 'EADDRNOTAVAIL':
      return 'this machine does not have that address';
    case 'EACCES':
      // Of a Unix socket, Node.js says the same when there is no folder.
      return kind === 'unix'
        ? 'its folder does not exist, or the agent cannot write there; make it, and let the agent write there'
        : "the agent's user may not; choose a port from 1024 on";
    default:
      return reasonOf(error);
  }
}
