import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { connectionProblem } from '../network/connection-error.ts';
import { Gathered } from '../network/gathered.ts';
import { nameFor } from '../network/tls.ts';
import { systemCode } from '../../errors.ts';
import { Decoder, MalformedReplyError } from './wire/decoder.ts';
import { requestHeader, type Api } from './wire/messages.ts';

/** The longest reply that is read, in bytes. The longest that is asked for describes one topic. */
const MAX_REPLY_BYTES = 1024 * 1024;

const CLIENT_ID = 'platform-probes';

/** TCP asks after so many milliseconds of silence whether the broker is there. */
const KEEP_ALIVE_MS = 60_000;

/** The first bytes of a TLS alert: its type and the version's first half (RFC 8446, section 5.1). */
const TLS_ALERT = 0x1503;

/** The connection does not work. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
  /** Whether the broker ended it before it answered: perhaps it got more than it takes. */
  readonly cutOff: boolean;

  constructor(message: string, { cause, cutOff = false }: { cause?: unknown; cutOff?: boolean } = {}) {
    super(message, { cause });
    this.cutOff = cutOff;
  }
}

/** Where a broker listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export const nameOf = ({ host, port }: Address): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;

interface Waiting {
  readonly correlation: number;
  readonly resolve: (reply: Decoder) => void;
  readonly reject: (error: LinkError | MalformedReplyError) => void;
}

/** A connection to one broker, with one request on its way at most. */
export class Link {
  readonly address: Address;
  readonly #socket: Socket;
  #correlation = 0;
  #waiting: Waiting | undefined;
  /** The reply so far, its length in front. */
  readonly #gathered = new Gathered();
  #ended: LinkError | MalformedReplyError | undefined;

  private constructor(address: Address, socket: Socket) {
    this.address = address;
    this.#socket = socket;
    socket.on('data', (piece) => this.#receive(piece));
    socket.on('error', (error) => this.#fail(problemOf(error)));
    socket.on('close', () => this.#fail(new LinkError('the broker ended the connection', { cutOff: true })));
  }

  /**
   * @param tls undefined for a plain connection
   * @param timeoutMs until it stands
   * @throws {LinkError}
   */
  static async open(address: Address, tls: ConnectionOptions | undefined, timeoutMs: number): Promise<Link> {
    const { host, port } = address;
    const options = { host, port, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS, noDelay: true };
    const socket = tls === undefined ? connectPlain(options) : connectTls({ ...options, ...nameFor(host), ...tls });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => reject(new LinkError('no connection in time (timeout)')), timeoutMs);
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => resolve());
    socket.once('error', (error) => reject(problemOf(error)));
    socket.once('close', () => reject(new LinkError('the broker ended the connection')));
    try {
      await promise;
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
    return new Link(address, socket);
  }

  /** Whether nothing has ended it yet. */
  get isOpen(): boolean {
    return this.#ended === undefined;
  }

  /**
   * Sends a request and resolves with the reply's body.
   * @param timeoutMs until the reply's last byte; the connection is then given up, since the reply may still come
   * @throws {LinkError | MalformedReplyError}
   */
  async request(api: Api, version: number, body: readonly Buffer[], timeoutMs: number): Promise<Decoder> {
    if (this.#ended !== undefined) throw this.#ended;
    if (this.#waiting !== undefined) throw new Error('a broker gets one request at a time');
    const correlation = ++this.#correlation;
    const { promise, resolve, reject } = Promise.withResolvers<Decoder>();
    this.#waiting = { correlation, resolve, reject };
    const timer = setTimeout(() => this.#fail(new LinkError('no answer in time (timeout)')), timeoutMs);
    const header = requestHeader(api, version, correlation, CLIENT_ID);
    const length = Buffer.allocUnsafe(4);
    length.writeInt32BE(body.reduce((sum, piece) => sum + piece.length, header.length));
    this.#socket.cork();
    for (const piece of [length, header, ...body]) this.#socket.write(piece);
    this.#socket.uncork();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  #receive(piece: Buffer): void {
    // Bytes that nobody asked for are no reply.
    if (this.#waiting === undefined) return this.#fail(new MalformedReplyError());
    // Nor is an answer to what is still here, and what is never read would gather with each request.
    if (this.#socket.writableLength > 0)
      return this.#fail(new LinkError('the broker answers before it has the whole request'));
    this.#gathered.add(piece);
    const whole = this.#gathered.bytes;
    if (whole.length < 4) return;
    const length = whole.readInt32BE(0);
    if (length < 4 || length > MAX_REPLY_BYTES)
      return this.#fail(
        whole.readUInt16BE(0) === TLS_ALERT
          ? new LinkError('the broker speaks TLS on that port; add tls')
          : new MalformedReplyError(),
      );
    if (whole.length < 4 + length) return;
    this.#gathered.clear();
    const { correlation, resolve } = this.#waiting;
    if (whole.length > 4 + length || whole.readInt32BE(4) !== correlation) return this.#fail(new MalformedReplyError());
    this.#waiting = undefined;
    resolve(new Decoder(whole.subarray(8)));
  }

  #fail(error: LinkError | MalformedReplyError): void {
    this.#ended ??= error;
    this.#gathered.clear();
    this.#socket.destroy();
    this.#waiting?.reject(this.#ended);
    this.#waiting = undefined;
  }

  /** Safe to call twice. */
  close(): void {
    this.#fail(new LinkError('the connection was closed'));
  }
}

function problemOf(error: unknown): LinkError {
  const cutOff = ['ECONNRESET', 'EPIPE'].includes(systemCode(error) ?? '');
  return new LinkError(connectionProblem(error), { cause: error, cutOff });
}
