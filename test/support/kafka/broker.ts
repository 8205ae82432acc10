import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { answerTo, type SaslOptions, type Session } from './sasl.ts';
import {
  framed,
  i16,
  i32,
  i64,
  list,
  Reader,
  readProduce,
  str,
  write,
  type ProduceRequest,
  type StoredRecord,
} from './wire.ts';
import { cut } from '../cut.ts';
import { ownPort } from '../own-port.ts';

export const API = { produce: 0, metadata: 3, saslHandshake: 17, apiVersions: 18, saslAuthenticate: 36 } as const;

/** A request, as it came. */
export interface KafkaRequest {
  readonly api: number;
  readonly version: number;
  readonly correlation: number;
  readonly client: string;
  readonly body: Buffer;
}

export interface KafkaBrokerOptions {
  readonly tls?: TlsOptions;
  readonly sasl?: SaslOptions;
  readonly partitions?: number;
  readonly topic?: string;
  readonly metadataMax?: number;
  readonly produceMax?: number;
  readonly produceMin?: number;
}

/** Instead of the usual answer: bytes to send as they are, made of the usual ones or not; an error code; nothing; the end. */
export type KafkaAnswer = Buffer | ((usual: Buffer) => Buffer) | number | 'nothing' | 'cut';

/**
 * A small broker of Kafka's protocol on loopback, written from the protocol's description apart from the code under test. Keeps
 * what is produced; `errors` and `answer` make it a bad one.
 */
export class KafkaBroker implements AsyncDisposable {
  readonly requests: KafkaRequest[] = [];
  readonly produced: ProduceRequest[] = [];
  readonly stored: StoredRecord[] = [];
  /** Error codes for the next produce requests; 0 takes one. */
  readonly errors: number[] = [];
  /** Asked before each answer; undefined gives the usual one. */
  answer: (request: KafkaRequest) => KafkaAnswer | undefined = () => undefined;
  /** How long an answer takes, in milliseconds. */
  delayMs = 0;
  /** Error code of the topic in metadata. */
  topicError = 0;
  /** The leader of each partition, when it is not this broker. */
  leader: { host: string; port: number } | undefined;
  throttleMs = 0;
  connections = 0;
  /** How many produce requests were ever waiting at once. */
  mostAtOnce = 0;
  #atOnce = 0;
  readonly options: KafkaBrokerOptions;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;
  #nextOffset = 0;

  constructor(options: KafkaBrokerOptions = {}) {
    this.options = options;
  }

  async listen(): Promise<this> {
    const sockets = this.#sockets;
    const keep = (socket: Socket): void => {
      sockets.add(socket.on('error', () => undefined));
      socket.on('close', () => sockets.delete(socket));
    };
    const serve = (socket: Socket): void => {
      keep(socket);
      this.#serve(socket);
    };
    const { tls } = this.options;
    const server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
    server.on('tlsClientError', () => undefined);
    // Those that never get as far as TLS, too.
    server.on('connection', keep);
    this.#server = server;
    this.#port ||= await ownPort();
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    return this;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  /** The stored records, as events. */
  get events(): Array<Record<string, unknown>> {
    return this.stored.map(({ value }) => JSON.parse(value) as Record<string, unknown>);
  }

  /** Numbers of events and of gaps, without seals. */
  get seqs(): unknown[] {
    return this.events
      .filter(({ type }) => type !== 'seal')
      .map(({ type, seq, first, last }) => (type === 'gap' ? `${String(first)}-${String(last)}` : seq));
  }

  #serve(socket: Socket): void {
    this.connections++;
    const session: Session = { isIn: this.options.sasl === undefined, mechanism: '', step: 0, first: '', server: '' };
    let held = Buffer.alloc(0);
    socket.on('data', (piece: Buffer) => {
      held = Buffer.concat([held, piece]);
      while (held.length >= 4 && held.length >= 4 + held.readInt32BE(0)) {
        const frame = held.subarray(4, 4 + held.readInt32BE(0));
        held = held.subarray(4 + frame.length);
        this.#handle(frame, socket, session);
      }
    });
  }

  #handle(frame: Buffer, socket: Socket, session: Session): void {
    const reader = new Reader(frame);
    const request = {
      api: reader.int(2),
      version: reader.int(2),
      correlation: reader.int(4),
      client: reader.string()!,
      body: reader.rest(),
    };
    this.requests.push(request);
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce);
    const error = request.api === API.produce ? (this.errors.shift() ?? 0) : 0;
    const instead = this.answer(request);
    const reply =
      instead === 'nothing' || instead === 'cut' || Buffer.isBuffer(instead)
        ? undefined
        : this.#reply(request, session, typeof instead === 'number' ? instead : error);
    setTimeout(() => {
      this.#atOnce--;
      if (Buffer.isBuffer(instead)) return void socket.write(instead);
      if (instead === 'nothing') return;
      if (reply === undefined) return void socket.destroy();
      const usual = framed(request.correlation, reply);
      socket.write(typeof instead === 'function' ? instead(usual) : usual);
    }, this.delayMs);
  }

  #reply(request: KafkaRequest, session: Session, code: number): Buffer | undefined {
    const { metadataMax = 7, produceMax = 7, produceMin = 0, sasl } = this.options;
    if (request.api === API.apiVersions) {
      const versions: number[][] = [
        [API.produce, produceMin, produceMax],
        [API.metadata, 0, metadataMax],
        [API.apiVersions, 0, 0],
      ];
      if (sasl !== undefined) versions.push([API.saslHandshake, 0, 1], [API.saslAuthenticate, 0, 1]);
      return write(i16(0), list(versions.map((entry) => write(...entry.map(i16)))));
    }
    if (request.api === API.saslHandshake) return this.#handshake(request, session);
    if (request.api === API.saslAuthenticate) return this.#authenticate(request, session);
    // As a real broker does with somebody who did not say who it is.
    if (!session.isIn) return undefined;
    if (request.api === API.metadata) return this.#metadata(request);
    if (request.api === API.produce) return this.#produce(request, code);
    return undefined;
  }

  #metadata({ version, body }: KafkaRequest): Buffer {
    const { partitions = 3, topic: known = 'events' } = this.options;
    const reader = new Reader(body);
    reader.int(4);
    const topic = reader.string()!;
    const { host, port } = this.leader ?? { host: '127.0.0.1', port: this.#port };
    const exists = topic === known;
    const partition = (id: number): Buffer =>
      write(
        i16(0),
        i32(id),
        i32(1),
        ...(version >= 7 ? [i32(5)] : []),
        list([i32(1)]),
        list([i32(1)]),
        ...(version >= 5 ? [list([])] : []),
      );
    return write(
      ...(version >= 3 ? [i32(0)] : []),
      list([write(i32(1), str(host), i32(port), str('rack-1'))]),
      ...(version >= 2 ? [str('cluster')] : []),
      i32(1),
      list([
        write(
          i16(exists ? this.topicError : 3),
          str(topic),
          Buffer.of(0),
          list(exists ? Array.from({ length: partitions }, (_, id) => partition(id)).toReversed() : []),
        ),
      ]),
    );
  }

  #produce({ version, body }: KafkaRequest, code: number): Buffer {
    const request = readProduce(body);
    this.produced.push(request);
    const offset = this.#nextOffset;
    if (code === 0) {
      this.stored.push(...request.records.map((record, i) => ({ ...record, offset: offset + i })));
      this.#nextOffset += request.records.length;
    }
    const partition = [i32(request.partition), i16(code), i64(code === 0 ? offset : -1), i64(-1)];
    return write(
      list([write(str(request.topic), list([write(...partition, ...(version >= 5 ? [i64(0)] : []))]))]),
      i32(this.throttleMs),
    );
  }

  #handshake({ body }: KafkaRequest, session: Session): Buffer {
    const mechanisms = this.options.sasl?.mechanisms ?? [];
    session.mechanism = new Reader(body).string()!;
    const code = this.options.sasl === undefined ? 34 : mechanisms.includes(session.mechanism) ? 0 : 33;
    return write(i16(code), list(mechanisms.map((name) => str(name))));
  }

  #authenticate({ body, version }: KafkaRequest, session: Session): Buffer {
    const sasl = this.options.sasl!;
    const message = new Reader(body).bytes().toString('utf8');
    const answer = answerTo(sasl, session, message);
    session.isIn = answer?.isIn === true;
    const code = answer === undefined ? 58 : 0;
    return write(
      i16(code),
      code === 0 ? i16(-1) : str('Authentication failed: hunter2'),
      i32(Buffer.byteLength(answer?.text ?? '')),
      Buffer.from(answer?.text ?? ''),
      ...(version >= 1 ? [i64(sasl.lifetimeMs ?? 0)] : []),
    );
  }

  /** Cuts every connection, and goes on listening. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Ends as a broker that is killed. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const socket of this.#sockets) cut(socket, this.options.tls !== undefined);
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
