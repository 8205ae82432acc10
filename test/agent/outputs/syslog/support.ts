import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { PendingBatch } from '../../../../agent/delivery/pending-batch.ts';
import type { Item } from '../../../../agent/events/item.ts';
import { syslogOutputSchema, type SyslogOutputConfig } from '../../../../agent/outputs/syslog/config.ts';
import { SyslogOutput } from '../../../../agent/outputs/syslog/output.ts';
import { recordingTelemetry } from '../../support/telemetry.ts';
import { cut } from '../../../support/cut.ts';
import { ownPort } from '../../../support/own-port.ts';

/** Short, since tests wait for it with every connection. */
const SETTLE_MS = 50;

export const configOf = (more: object): SyslogOutputConfig =>
  syslogOutputSchema.parse({ type: 'syslog', name: 'soc', timeout: '5s', ...more });

/** An output that is open. */
export async function outputFor(more: object) {
  const { telemetry, raised } = recordingTelemetry();
  const output = new SyslogOutput(configOf(more), telemetry, SETTLE_MS);
  await output.open();
  return Object.assign(output, { raised, [Symbol.asyncDispose]: () => output.close() });
}

/** Items as the delivery hands them over: in the output's format. */
export function batchFor(output: SyslogOutput, items: readonly Item[], bootId = 'boot'): PendingBatch {
  const lines = items.map((item) =>
    Buffer.concat([...(output.format!.encode(item, { bootId }) as readonly Uint8Array[]), Buffer.from('\n')]),
  );
  let at = 0;
  const index = {
    ends: Uint32Array.from(lines, ({ length }) => (at += length)),
    firsts: Float64Array.from(items, ({ first }) => first),
    lasts: Float64Array.from(items, ({ last }) => last),
    flags: new Uint8Array(items.length),
  };
  return new PendingBatch(Buffer.concat(lines), 0, index, bootId);
}

export const emptyFolder = (): string => mkdtempSync(join(tmpdir(), 'probes-syslog-'));

/** The number of an event in a message, or the range of a gap. */
export function numberIn(message: string): unknown {
  const { type, seq, first, last } = JSON.parse(message.slice(message.indexOf('{'))) as Record<string, unknown>;
  return type === 'gap' ? `${String(first)}-${String(last)}` : seq;
}

/** Something that listens on loopback or at a path, and calls `serve` for each connection. */
export class Listener implements AsyncDisposable {
  readonly sockets = new Set<Socket>();
  connections = 0;
  readonly #serve: (socket: Socket) => void;
  readonly #tls: TlsOptions | undefined;
  #server: Server | undefined;
  #port = 0;

  constructor(serve: (socket: Socket) => void = () => undefined, tls?: TlsOptions) {
    this.#serve = serve;
    this.#tls = tls;
  }

  /** Begins to listen, the second time on the same port. */
  async listen(path?: string): Promise<this> {
    const server = this.#tls === undefined ? createServer() : createTlsServer(this.#tls);
    server.on(this.#tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      this.connections++;
      this.sockets.add(socket.on('error', () => undefined).on('close', () => this.sockets.delete(socket)));
      this.#serve(socket);
    });
    this.#server = server;
    if (path === undefined) {
      this.#port ||= await ownPort();
      server.listen(this.#port, '127.0.0.1');
    } else server.listen(path);
    await once(server, 'listening');
    return this;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Ends as a receiver that is killed: nobody listens, connections are reset. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const socket of this.sockets) cut(socket, this.#tls !== undefined);
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** A receiver of messages with their length in front. */
export class StreamReceiver extends Listener {
  readonly messages: string[] = [];

  constructor(tls?: TlsOptions) {
    super((socket) => {
      let rest = Buffer.alloc(0);
      socket.on('data', (piece: Buffer) => {
        rest = Buffer.concat([rest, piece]);
        for (;;) {
          const [length] = /^\d{1,9}(?= )/u.exec(rest.toString('latin1', 0, 10)) ?? [];
          if (length === undefined) return;
          const from = length.length + 1;
          const end = from + Number(length);
          if (rest.length < end) return;
          this.messages.push(rest.toString('utf8', from, end));
          rest = rest.subarray(end);
        }
      });
    }, tls);
  }

  get numbers(): unknown[] {
    return this.messages.map(numberIn);
  }
}

/** Questions to a RELP receiver, and its answers. */
export interface Question {
  readonly transaction: number;
  readonly command: string;
  readonly data: string;
  readonly socket: Socket;
  /** Answers with this; takes the message when it begins with 200. */
  reply(data: string): void;
}

export type RelpAnswer = (question: Question) => void;

export const GREETING = '200 OK\nrelp_version=0\nrelp_software=test\ncommands=syslog';

/** A receiver of RELP, which answers as a test wants. */
export class RelpReceiver extends Listener {
  /** Messages that were answered with 200. */
  readonly messages: string[] = [];
  readonly questions: Question[] = [];
  /** How messages are answered: these first, one after the other, then `answer`. */
  readonly answers: RelpAnswer[] = [];
  answer: RelpAnswer = ({ reply }) => reply('200 OK');
  greet: RelpAnswer = ({ reply }) => reply(GREETING);

  constructor(tls?: TlsOptions) {
    super((socket) => this.#read(socket), tls);
  }

  get numbers(): unknown[] {
    return this.messages.map(numberIn);
  }

  #read(socket: Socket): void {
    let rest = Buffer.alloc(0);
    socket.on('data', (piece: Buffer) => {
      rest = Buffer.concat([rest, piece]);
      for (;;) {
        const [header, transaction, command, length] = /^(\d+) (\w+) (\d+)/u.exec(rest.toString('latin1', 0, 60)) ?? [];
        if (header === undefined) return;
        const from = header.length + (length === '0' ? 0 : 1);
        const end = from + Number(length);
        if (rest.length <= end) return;
        const data = rest.toString('utf8', from, end);
        rest = rest.subarray(end + 1);
        this.#ask(Number(transaction), command!, data, socket);
      }
    });
  }

  #ask(transaction: number, command: string, data: string, socket: Socket): void {
    const reply = (text: string): void => {
      if (command === 'syslog' && text.startsWith('200')) this.messages.push(data);
      if (!socket.destroyed) socket.write(`${transaction} rsp ${Buffer.byteLength(text)}${text && ' '}${text}\n`);
    };
    const question = { transaction, command, data, socket, reply };
    this.questions.push(question);
    if (command === 'open') this.greet(question);
    else if (command === 'close') reply('');
    else (this.answers.shift() ?? this.answer)(question);
  }
}
