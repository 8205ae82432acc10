import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { ownPort } from '../../../support/own-port.ts';

/** A message that came in. */
export interface Published {
  readonly subject: string;
  readonly reply: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: string;
}

/** The payload of a reply, or a status without one; undefined for none. */
type Reply = object | number | string | undefined;
type Answer = (message: Published, place: StandIn) => Reply | Promise<Reply>;

/** Stores it, as a stream does that knows message ids. */
export const stores: Answer = (message, place) => {
  const id = message.headers['Nats-Msg-Id']!;
  const known = place.stored.findIndex(({ headers }) => headers['Nats-Msg-Id'] === id);
  if (known === -1) place.stored.push(message);
  return {
    stream: 'PROBES',
    seq: known === -1 ? place.stored.length : known + 1,
    ...(known === -1 ? {} : { duplicate: true }),
  };
};

export const error =
  (err_code: number, description = 'of the server', code = 503): Answer =>
  () => ({ error: { code, err_code, description }, stream: 'PROBES', seq: 0 });

/** The header of a reply, NATS/1.0 503, as when nobody subscribed. */
export const noResponders: Answer = () => 503;

/**
 * A server that speaks as much NATS as a publisher needs. Its own answers can be replaced one by one (`answers`), or all
 * (`answer`).
 */
export class StandIn implements AsyncDisposable {
  readonly published: Published[] = [];
  /** The contents of the stream. */
  readonly stored: Published[] = [];
  readonly connects: Array<Record<string, unknown>> = [];
  readonly sockets = new Set<Socket>();
  answers: Answer[] = [];
  answer: Answer = stores;
  info: Record<string, unknown> = {};
  /** In place of PONG after CONNECT; undefined for PONG. */
  refusal: (connect: Record<string, unknown>) => string | undefined = () => undefined;
  /** Called with each socket before anything is said, to replace all of it. */
  serve: ((socket: Socket) => void) | undefined;
  readonly #tls: TlsOptions | undefined;
  readonly #tlsFirst: boolean;
  readonly #server: Server;
  #port = 0;

  constructor({ tls, tlsFirst = false }: { tls?: TlsOptions; tlsFirst?: boolean } = {}) {
    this.#tls = tls;
    this.#tlsFirst = tlsFirst;
    this.#server = createServer((socket) => {
      this.sockets.add(socket.on('error', () => undefined));
      socket.on('close', () => this.sockets.delete(socket));
      if (this.serve === undefined) this.#greet(socket);
      else this.serve(socket);
    });
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  async listen(): Promise<this> {
    this.#port ||= await ownPort();
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  /** Ends as a server that is killed does. */
  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #greet(raw: Socket): void {
    const info = {
      server_id: 'x',
      version: '2.9.10',
      headers: true,
      max_payload: 1_048_576,
      ...(this.#tls === undefined ? {} : { tls_required: true }),
      ...this.info,
    };
    const greeting = `INFO ${JSON.stringify(info)} \r\n`;
    if (this.#tls !== undefined && this.#tlsFirst) return this.#encrypt(raw, greeting);
    raw.write(greeting);
    if (this.#tls === undefined) this.#converse(raw);
    else this.#encrypt(raw);
  }

  #encrypt(raw: Socket, greeting?: string): void {
    const server = createTlsServer(this.#tls!, (socket) =>
      this.#converse(
        socket.on('error', () => undefined),
        greeting,
      ),
    );
    server.on('tlsClientError', () => undefined).emit('connection', raw);
  }

  #converse(socket: Socket, greeting = ''): void {
    if (greeting !== '') socket.write(greeting);
    let rest = Buffer.alloc(0);
    let refused = false;
    socket.on('data', (piece: Buffer) => {
      rest = Buffer.concat([rest, piece]);
      const before = this.published.length;
      for (;;) {
        const end = rest.indexOf('\r\n');
        if (end === -1 || refused) break;
        const [operation, ...words] = rest.toString('utf8', 0, end).split(' ');
        if (operation !== 'HPUB') {
          rest = rest.subarray(end + 2);
          if (operation === 'CONNECT') {
            const connect = JSON.parse(words.join(' ')) as Record<string, unknown>;
            this.connects.push(connect);
            const refusal = this.refusal(connect);
            refused = refusal !== undefined;
            if (refused) socket.end(`-ERR '${refusal}'\r\n`);
          } else if (operation === 'PING') socket.write('PONG\r\n');
          continue;
        }
        const [subject, reply, headBytes, bytes] = words;
        const start = end + 2;
        if (rest.length < start + Number(bytes) + 2) break;
        const head = rest.toString('latin1', start, start + Number(headBytes));
        const headers = Object.fromEntries(
          head
            .split('\r\n')
            .slice(1, -2)
            .map((line) => line.split(': ') as [string, string]),
        );
        const payload = rest.toString('utf8', start + Number(headBytes), start + Number(bytes));
        rest = rest.subarray(start + Number(bytes) + 2);
        this.published.push({ subject: subject!, reply: reply!, headers, payload });
      }
      for (const message of this.published.slice(before)) void this.#reply(socket, message);
    });
  }

  async #reply(socket: Socket, message: Published): Promise<void> {
    const answer = await (this.answers.shift() ?? this.answer)(message, this);
    if (answer === undefined) return;
    if (typeof answer === 'number') {
      const head = `NATS/1.0 ${answer}\r\n\r\n`;
      return void socket.write(`HMSG ${message.reply} 1 ${head.length} ${head.length}\r\n${head}\r\n`);
    }
    const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
    socket.write(`MSG ${message.reply} 1 ${Buffer.byteLength(text)}\r\n${text}\r\n`);
  }
}
