import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { StorageType } from '@nats-io/jetstream';
import { NatsServer } from '../../receivers/support/nats-server.ts';

/** Bytes that arrived, and when, in microseconds since boot. */
export interface Arrival {
  readonly at: number;
  readonly bytes: Buffer;
}

/** A place that the agent sends to, and which counts what it gets. */
export interface Target extends AsyncDisposable {
  /** The entry of `outputs`. */
  readonly output: string;
  /** Events that arrived. */
  readonly events: number;
  /** The records that arrived, where they are to be kept. */
  arrivals: Arrival[] | undefined;
}

export interface TargetKind {
  readonly id: string;
  readonly title: string;
  /** Whether it can use the spool. */
  readonly isSpooled: boolean;
  /** A program that has to be installed. */
  readonly needs?: string;
  /** @param folder of the run. @param waitMs how long an event may wait for others */
  open(folder: string, waitMs: number): Promise<Target>;
}

const NEWLINE = 10;
const T = 0x74;

export const microsecondsSinceBoot = (): number => Number(process.hrtime.bigint() / 1000n);

/** Events among whole lines. Seals and gaps, which begin with `type`, do not count. */
function eventsIn(bytes: Buffer): number {
  let count = 0;
  for (let from = 0, to = bytes.indexOf(NEWLINE); to >= 0; from = to + 1, to = bytes.indexOf(NEWLINE, from))
    if (bytes[from + 2] !== T) count++;
  return count;
}

/** A file, followed as `tail -f` would. */
class FileTarget implements Target {
  readonly output: string;
  events = 0;
  arrivals: Arrival[] | undefined;
  readonly #file: string;
  #isOpen = true;
  readonly #following: Promise<void>;

  constructor(folder: string, identity: boolean) {
    this.#file = path.join(folder, 'events.jsonl');
    this.output = `{ name: target, type: file, path: ${this.#file}, max_bytes: 1TiB, identity: ${identity} }`;
    this.#following = this.#follow();
  }

  async #follow(): Promise<void> {
    while (this.#isOpen && !existsSync(this.#file)) await delay(1);
    if (!this.#isOpen) return;
    const descriptor = openSync(this.#file, 'r');
    const memory = Buffer.allocUnsafe(1024 * 1024);
    let rest = Buffer.alloc(0);
    for (let at = 0; this.#isOpen; await delay(1)) {
      while (at < fstatSync(descriptor).size) {
        const bytes = Buffer.concat([rest, memory.subarray(0, readSync(descriptor, memory, 0, memory.length, at))]);
        at += bytes.length - rest.length;
        const end = bytes.lastIndexOf(NEWLINE) + 1;
        this.events += eventsIn(bytes.subarray(0, end));
        this.arrivals?.push({ at: microsecondsSinceBoot(), bytes: Buffer.from(bytes.subarray(0, end)) });
        rest = bytes.subarray(end);
      }
    }
    closeSync(descriptor);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOpen = false;
    await this.#following;
  }
}

/** A web server that answers as soon as it has read the request. */
async function openHttp(waitMs: number): Promise<Target> {
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.once('end', () => {
      const bytes = Buffer.concat(pieces);
      target.arrivals?.push({ at: microsecondsSinceBoot(), bytes });
      response.end();
      target.events += eventsIn(bytes);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const target = {
    output: `{ name: target, type: http, url: "http://127.0.0.1:${port}/", batch: { max_age: ${waitMs}ms } }`,
    events: 0,
    arrivals: undefined as Arrival[] | undefined,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return target;
}

/** A real NATS server with a stream in memory, and the official client as its subscriber. */
async function openNats(waitMs: number): Promise<Target> {
  const server = await new NatsServer('nats-server').start();
  await server.stream({ name: 'PROBES', subjects: ['probes.>'], storage: StorageType.Memory, duplicate_window: 0 });
  const client = await server.connect();
  const target = {
    output: `{ name: target, type: nats, servers: ["nats://${server.address}"], batch: { max_age: ${waitMs}ms } }`,
    events: 0,
    arrivals: undefined as Arrival[] | undefined,
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await server[Symbol.asyncDispose]();
    },
  };
  client.subscribe('probes.>', {
    callback: (_, { data }) => {
      const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      if (bytes[2] !== T) target.events++;
      target.arrivals?.push({ at: microsecondsSinceBoot(), bytes: Buffer.from(bytes) });
    },
  });
  await client.flush();
  return target;
}

export const TARGETS: readonly TargetKind[] = [
  { id: 'file', title: 'file', isSpooled: false, open: async (folder) => new FileTarget(folder, false) },
  {
    id: 'sealed-file',
    title: 'file, `identity: true`, sealed',
    isSpooled: false,
    open: async (folder) => new FileTarget(folder, true),
  },
  { id: 'http', title: '`http`', isSpooled: true, open: async (_, waitMs) => openHttp(waitMs) },
  { id: 'nats', title: '`nats`', isSpooled: true, needs: 'nats-server', open: async (_, waitMs) => openNats(waitMs) },
];
