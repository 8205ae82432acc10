import { createConnection, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { VERSION } from '../../../shared/version.ts';
import { connectionProblem } from '../network/connection-error.ts';
import { nameFor } from '../network/tls.ts';
import type { Reply } from './acknowledgement.ts';
import type { Credentials } from './credentials.ts';
import type { Message } from './publisher.ts';
import { OperationReader, ProtocolError, type Operation } from './operations.ts';
import { serverError, ServerError } from './server-error.ts';

const CRLF = '\r\n';
const END = Buffer.from(CRLF);
const INBOX_SID = 1;

/** A server that sends so many bytes without an acknowledgement among them is not listened to any longer. Bounds PONGs, too. */
const MAX_UNASKED_BYTES = 1024 * 1024;

/**
 * An honest server acknowledges what it has read, and no more than 4 MiB wait for their acknowledgements. Bounds what gathers here
 * for one that reads nothing.
 */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;

/** Finds out that the other side is gone, while nothing is sent. */
const KEEP_ALIVE_MS = 60_000;

/** Where a server listens. */
interface Address {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

export interface ConnectionSettings {
  readonly address: Address;
  /** For TLS, if it is used. */
  readonly tls: ConnectionOptions;
  /** Whether the TLS handshake comes before the server's first line. */
  readonly tlsFirst: boolean;
  /** For connecting as a whole, and for each acknowledgement from the moment its message was written. */
  readonly timeoutMs: number;
  readonly credentials: Credentials;
  /** Prefix of the subject that replies come to, such as `_INBOX`. */
  readonly inboxPrefix: string;
  /** Shown in the server's list of connections. */
  readonly name: string;
}

type Settle = (reply: Reply | ServerError) => void;

interface Pending {
  readonly sentAt: number;
  readonly settle: Settle;
}

interface Expectation {
  readonly kind: Operation['kind'];
  resolve(operation: Operation): void;
  reject(error: Error): void;
}

/**
 * One connection to a NATS server, for messages that are acknowledged. Never connects again by itself: the delivery tries
 * again, with its own pauses. It fails as a whole: at the first fault it closes, and all that is unanswered gets the reason.
 */
export class Connection {
  readonly #settings: ConnectionSettings;
  readonly #inbox: string;
  readonly #pending = new Map<number, Pending>();
  #reader = new OperationReader();
  #socket!: Socket;
  /** Of messages that `together` will write. */
  #pieces: Buffer[] = [];
  #expected: Expectation | undefined;
  #failure: ServerError | undefined;
  #nonce: string | undefined;
  #maxPayload = 0;
  #leaving = false;
  #last = 0;
  #unaskedBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  private constructor(settings: ConnectionSettings) {
    this.#settings = settings;
    this.#inbox = `${settings.inboxPrefix}.${crypto.randomUUID().replaceAll('-', '')}`;
  }

  /** @throws {ServerError} where there is no connection in time, or the server does not take it */
  static async open(settings: ConnectionSettings): Promise<Connection> {
    const connection = new Connection(settings);
    const timer = setTimeout(
      () => connection.#fail(new ServerError('no answer in time (timeout)')),
      settings.timeoutMs,
    );
    try {
      await connection.#greet();
    } finally {
      clearTimeout(timer);
    }
    return connection;
  }

  /** Whether messages can be sent: it is open, and the server does not want to end soon. */
  get isUsable(): boolean {
    return this.#failure === undefined && !this.#leaving;
  }

  /** The most bytes of a message, its header included. */
  get maxPayload(): number {
    return this.#maxPayload;
  }

  async #greet(): Promise<void> {
    const { address, credentials, name, tlsFirst } = this.#settings;
    const { host, port } = address;
    this.#listen(tlsFirst ? connectTls({ host, port, ...this.#tls() }) : createConnection({ host, port }));
    const greeting = await this.#expect('info');
    const info = greeting.kind === 'info' ? greeting.info : {};
    if (info['headers'] !== true)
      throw this.#fail(new ServerError('the server is older than 2.2 and has no JetStream'));
    if (!(this.#maxPayload > 0)) throw this.#fail(new ServerError('it does not speak the NATS protocol'));
    const wanted = address.tls || info['tls_required'] === true;
    if (wanted && !tlsFirst) {
      if (info['tls_required'] !== true && info['tls_available'] !== true)
        throw this.#fail(new ServerError('the server does not offer TLS, and tls or tls:// asks for it'));
      this.#startTls();
    }
    const options = {
      verbose: false,
      pedantic: false,
      headers: true,
      no_responders: true,
      echo: false,
      protocol: 1,
      lang: 'platform-probes',
      version: VERSION,
      name,
      tls_required: wanted,
      ...credentials.fields(this.#nonce),
    };
    this.#socket.write(`CONNECT ${JSON.stringify(options)}${CRLF}SUB ${this.#inbox}.* ${INBOX_SID}${CRLF}PING${CRLF}`);
    await this.#expect('pong');
  }

  #tls(): ConnectionOptions {
    const { address, tls } = this.#settings;
    return { ...nameFor(address.host), host: address.host, ...tls };
  }

  /** Goes on in TLS. Anybody in between could have sent what came before. */
  #startTls(): void {
    if (this.#reader.restBytes > 0) throw this.#fail(new ServerError('the server speaks before TLS begins'));
    this.#socket.removeAllListeners('data');
    this.#listen(connectTls({ ...this.#tls(), socket: this.#socket }));
  }

  #listen(socket: Socket): void {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on('data', (piece: Buffer) => this.#receive(piece));
    socket.on('error', (error) => this.#fail(new ServerError(connectionProblem(error), { cause: error })));
    socket.on('close', () => this.#fail(new ServerError('the server ended the connection')));
  }

  #expect(kind: Operation['kind']): Promise<Operation> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<Operation>();
    this.#expected = { kind, resolve, reject };
    return promise;
  }

  #receive(piece: Buffer): void {
    this.#unaskedBytes += piece.length;
    try {
      for (const operation of this.#reader.read(piece)) {
        if (this.#failure !== undefined) return;
        this.#handle(operation);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#fail(new ServerError(error.message));
    }
    if (this.#unaskedBytes > MAX_UNASKED_BYTES)
      this.#fail(new ServerError('the server sends more than it was asked for'));
  }

  #handle(operation: Operation): void {
    switch (operation.kind) {
      case 'message':
        return this.#settle(operation);
      case 'error':
        return void this.#fail(serverError(operation.text));
      case 'ping':
        return void this.#socket.write(`PONG${CRLF}`);
      case 'info':
        this.#learn(operation.info);
        break;
      default:
    }
    if (this.#expected?.kind !== operation.kind) return;
    this.#expected.resolve(operation);
    this.#expected = undefined;
  }

  #learn({ ldm, max_payload, nonce }: Readonly<Record<string, unknown>>): void {
    if (typeof nonce === 'string') this.#nonce = nonce;
    if (Number.isSafeInteger(max_payload)) this.#maxPayload = max_payload as number;
    // Else every event would be refused for good.
    if (!(this.#maxPayload > 0)) return void this.#fail(new ServerError('it does not speak the NATS protocol'));
    this.#leaving ||= ldm === true;
  }

  #settle({ subject, status, payload }: Extract<Operation, { kind: 'message' }>): void {
    const number = Number(subject.slice(this.#inbox.length + 1));
    const pending = this.#pending.get(number);
    // A second answer to one message.
    if (pending === undefined) return;
    if (this.#socket.writableLength > MAX_UNREAD_BYTES)
      return void this.#fail(new ServerError('the server acknowledges messages that it has not read'));
    this.#pending.delete(number);
    this.#unaskedBytes = 0;
    pending.settle({ status, payload });
  }

  /**
   * Sends a message, within `together`. The caller bounds how many are unanswered, and their bytes.
   * @param settle called once, with the reply, or with the reason why there is none. Not a promise: there are many
   */
  publish({ subject, head, payload }: Message, settle: Settle): void {
    if (this.#failure !== undefined) return settle(this.#failure);
    const number = ++this.#last;
    this.#pending.set(number, { sentAt: performance.now(), settle });
    const line = `HPUB ${subject} ${this.#inbox}.${number} ${head.length} ${head.length + payload.length}${CRLF}`;
    this.#pieces.push(Buffer.from(line + head, 'latin1'), payload, END);
    this.#timer ??= setTimeout(() => this.#checkTime(), this.#settings.timeoutMs);
  }

  /** Several messages as one write. Their bytes are copied: the socket may have them longer than the batch. */
  together(publish: () => void): void {
    publish();
    if (this.#pieces.length > 0) this.#socket.write(Buffer.concat(this.#pieces));
    this.#pieces = [];
  }

  #checkTime(): void {
    this.#timer = undefined;
    const oldest = this.#pending.values().next().value;
    if (oldest === undefined) return;
    const left = oldest.sentAt + this.#settings.timeoutMs - performance.now();
    if (left > 0) this.#timer = setTimeout(() => this.#checkTime(), left);
    else
      this.#fail(
        new ServerError(
          'no acknowledgement in time (timeout); the server gives none where its disk fails or the stream has no_ack',
        ),
      );
  }

  /** Closes it, and tells all that waits. The first reason counts. */
  #fail(error: ServerError): ServerError {
    if (this.#failure !== undefined) return this.#failure;
    this.#failure = error;
    clearTimeout(this.#timer);
    this.#socket.destroy();
    this.#expected?.reject(error);
    this.#expected = undefined;
    for (const { settle } of this.#pending.values()) settle(error);
    this.#pending.clear();
    return error;
  }

  close(): void {
    this.#fail(new ServerError('the connection was closed'));
  }
}

/** The header of a message. @param fields such as `Nats-Msg-Id: 1`, of printable ASCII */
export function headOf(fields: readonly string[]): string {
  return ['NATS/1.0', ...fields, CRLF].join(CRLF);
}
