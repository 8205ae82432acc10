import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import { cut } from './cut.ts';
import { ownPort } from './own-port.ts';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';

/** One request that a receiver got, its body without compression. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly data: Buffer;
  /** The same as text. */
  readonly body: string;
}

type Event = Record<string, unknown>;

/** Answers a request. What it does not take, it has not got: it takes all, nothing, or these events. */
export type Answer = (received: Received, response: ServerResponse, place: number) => void | 'taken' | readonly Event[];

export const taken: Answer = (_, response) => {
  response.end();
  return 'taken';
};

/** Answers with this status and body. */
export const status =
  (code: number, body: string | Buffer = '', headers: Record<string, string> = {}): Answer =>
  (_, response) => {
    response.writeHead(code, headers).end(body);
    return code < 300 ? 'taken' : undefined;
  };

/** A real web server on this machine's loopback, which answers as a test wants. */
export class Receiver implements AsyncDisposable {
  readonly requests: Received[] = [];
  /** Events of requests that were taken, in order. */
  readonly events: Event[] = [];
  /** How each request is answered: these first, one after the other, then `answer`. */
  readonly answers: Answer[] = [];
  answer: Answer = taken;
  connections = 0;
  readonly #tls: ServerOptions | undefined;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();
  #port = 0;

  constructor(tls?: ServerOptions) {
    this.#tls = tls;
  }

  /** Begins to listen, the second time on the same port. */
  async listen(): Promise<this> {
    const listener: RequestListener = (request, response) => void this.#serve(request, response);
    const server = this.#tls === undefined ? createServer(listener) : createTlsServer(this.#tls, listener);
    server.on('connection', (socket: Socket) => {
      this.connections++;
      this.#sockets.add(socket.on('error', () => undefined));
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server = server;
    this.#port ||= await ownPort();
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    return this;
  }

  get url(): string {
    return `${this.#tls === undefined ? 'http' : 'https'}://127.0.0.1:${this.#port}/events`;
  }

  /** Numbers of events and ranges of gaps. */
  get seqs(): unknown[] {
    return this.events
      .filter(({ type }) => type !== 'seal')
      .map(({ seq, type, first, last }) => (type === 'gap' ? `${String(first)}-${String(last)}` : seq));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const pieces: Buffer[] = [];
    try {
      for await (const piece of request) pieces.push(piece as Buffer);
    } catch {
      return;
    }
    const { method = '', url: path = '', headers } = request;
    const data = decode(Buffer.concat(pieces), headers['content-encoding']);
    const received = { method, path, headers, data, body: data.toString() };
    this.requests.push(received);
    const answer = this.answers.shift() ?? this.answer;
    const result = answer(received, response, this.requests.length - 1) ?? [];
    this.events.push(...(result === 'taken' ? this.eventsOf(received) : result));
  }

  /** The events of a request. */
  protected eventsOf({ body }: Received): readonly Event[] {
    return eventsIn(body);
  }

  /** Ends as a receiver that is killed: nobody listens, connections are reset. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const socket of this.#sockets) cut(socket, this.#tls !== undefined);
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

function decode(body: Buffer, encoding: string | undefined): Buffer {
  if (encoding === 'gzip') return gunzipSync(body);
  return encoding === 'zstd' ? zstdDecompressSync(body) : body;
}

/** The lines of a body of NDJSON, as they came. */
export const linesIn = (body: string): string[] => body.split('\n').filter((line) => line !== '');

/** The events of a body: a JSON array, or one on each line. */
export function eventsIn(body: string): Array<Record<string, unknown>> {
  const text = body.startsWith('[') ? body : `[${body.trimEnd().split('\n').join(',')}]`;
  return JSON.parse(text) as Array<Record<string, unknown>>;
}
