import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { read } from '../../agent/support/outputs.ts';
import { ownPort } from '../../support/own-port.ts';
import { wholeLines } from '../../support/lines.ts';
import { PATIENCE } from '../../support/pace.ts';
import { endWithUs } from '../../support/reaper.ts';

/** The places that a configuration of rsyslog is written for. */
export interface Places {
  /** Of its own files. */
  readonly folder: string;
  /** Where events go. */
  readonly file: string;
  readonly port: number;
  /** A Unix socket. */
  readonly socket: string;
}

/** An rsyslogd of its own, in a temporary folder, that listens on loopback or on a Unix socket. */
export class Rsyslog implements AsyncDisposable {
  readonly #configure: (places: Places) => string;
  #places: Places | undefined;
  #process: ChildProcess | undefined;

  constructor(configure: (places: Places) => string) {
    this.#configure = configure;
  }

  get places(): Places {
    return this.#places!;
  }

  get address(): string {
    return `127.0.0.1:${this.places.port}`;
  }

  /** Starts it; the second time at the same place, with the file that it had. */
  async start(): Promise<this> {
    this.#places ??= await newPlaces();
    const { folder, port, socket } = this.#places;
    const config = `${folder}/rsyslog.conf`;
    writeFileSync(config, `global(workDirectory="${folder}")\n${this.#configure(this.#places)}`);
    rmSync(`${folder}/pid`, { force: true });
    rmSync(socket, { force: true });
    const child = spawn('rsyslogd', ['-n', '-f', config, '-i', `${folder}/pid`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    endWithUs(child);
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    this.#process = child;
    for (let waited = 0; waited < 20_000 * PATIENCE && child.exitCode === null; waited += 50) {
      if ((await answers({ port, host: '127.0.0.1' })) || (await answers({ path: socket }))) return this;
      await delay(50);
    }
    throw new Error(`rsyslogd does not listen:\n${said}`);
  }

  /** The lines in its file, in order. */
  get lines(): string[] {
    return wholeLines(read(this.places.file));
  }

  /** The same as events, without seals. @throws where a line is none */
  get events(): Array<Record<string, unknown>> {
    return this.lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ type }) => type !== 'seal');
  }

  /** Resolves when its file holds an event with this number. */
  until(seq: number): Promise<void> {
    return this.untilThere(`"seq":${seq},`);
  }

  async untilThere(wanted: string): Promise<void> {
    for (let waited = 0; waited < 60_000 * PATIENCE; waited += 100) {
      if (read(this.places.file).includes(wanted)) return;
      await delay(100);
    }
    throw new Error(`${wanted} never came; the last one is ${JSON.stringify(this.events.at(-1))}`);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    if (this.#places !== undefined) rmSync(this.#places.folder, { recursive: true, force: true });
  }
}

async function newPlaces(): Promise<Places> {
  const folder = mkdtempSync(join(tmpdir(), 'probes-rsyslog-'));
  return { folder, file: `${folder}/events.jsonl`, port: await ownPort(), socket: `${folder}/socket` };
}

async function answers(target: { port: number; host: string } | { path: string }): Promise<boolean> {
  const socket = connect(target);
  const answered = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  });
  socket.destroy();
  return answered;
}

/** A file of `installers/rsyslog/`, for these places. */
export function shipped(name: string, { file, port }: Places): string {
  return readFileSync(new URL(`../../../installers/rsyslog/${name}`, import.meta.url), 'utf8')
    .replaceAll('/var/log/platform-probes-fleet/events.jsonl', file)
    .replaceAll('port="2514"', `port="${port}"`);
}
