import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecEvent } from '../../shared/events/exec.ts';
import type { HeartbeatEvent } from '../../shared/events/heartbeat.ts';
import type { HelloEvent } from '../../shared/events/hello.ts';
import type { ProbeEvent } from '../../shared/events/parse.ts';
import { isKnown, parseEvent } from './events.ts';
import { LineSplitter } from './line-splitter.ts';
import { CLIENT_GID, CLIENT_UID, helperFolder } from './helper-process.ts';
import { PATIENCE } from './pace.ts';

/** Copies a socket to standard output; runs as another user, so that the pipe is crossed for real. */
const COPY = `
const socket = require('node:net').connect(process.argv[1]);
socket.on('error', (error) => { console.error(error.code); process.exit(1); });
socket.pipe(process.stdout);
socket.on('close', () => process.exit(0));
`;

/** A client of the pipe in a process with a uid of its own. */
export class PipeClient {
  readonly process: ChildProcess;
  readonly events: ProbeEvent[] = [];
  readonly lines: string[] = [];
  #error = '';
  readonly #closed: Promise<unknown>;

  constructor(socket: string, { uid = CLIENT_UID, gid = CLIENT_GID } = {}) {
    this.process = spawn(`${helperFolder()}/node`, ['-e', COPY, socket], {
      uid,
      gid,
      cwd: '/',
      env: {},
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // Not `exit`: what it printed last may not have been read by then.
    this.#closed = once(this.process, 'close');
    const splitter = new LineSplitter();
    const decoder = new TextDecoder('utf-8', { fatal: true });
    this.process.stdout?.on('data', (chunk: Buffer) => {
      for (const line of splitter.push(chunk)) {
        const text = decoder.decode(line);
        const event = parseEvent(text);
        this.lines.push(text);
        if (isKnown(event)) this.events.push(event);
      }
    });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#error += text));
  }

  get hello(): HelloEvent {
    const [first] = this.events;
    if (first?.type !== 'hello')
      throw new Error(`the first line is not hello: ${this.lines[0] ?? `(no line) ${this.#error}`}`);
    return first;
  }

  get execs(): ExecEvent[] {
    return this.events.filter((event) => event.type === 'exec');
  }

  /** Waits until `found` answers, or fails after `seconds`. */
  async until<T>(found: (client: this) => T | undefined | false, seconds = 20): Promise<T> {
    for (let waited = 0; waited < seconds * PATIENCE * 1000; waited += 10) {
      const result = found(this);
      if (result !== undefined && result !== false) return result;
      if (this.process.exitCode !== null) throw new Error(`the client ended: ${this.#error || 'disconnected'}`);
      await delay(10);
    }
    throw new Error(
      `not seen within ${seconds * PATIENCE} s; ${this.events.length} events, the last: ${this.lines.at(-1)?.slice(0, 300)}`,
    );
  }

  /** Waits for the first exec that `fits`. */
  exec(fits: (event: ExecEvent) => boolean): Promise<ExecEvent> {
    return this.until(() => this.execs.find(fits));
  }

  /** Waits until the helper ends the connection. */
  async ended(): Promise<string> {
    await this.#closed;
    return this.#error.trim();
  }

  close(): void {
    this.process.kill('SIGKILL');
  }
}

/** A heartbeat at whose moment nothing was on its way: the kernel's count is the numbers given. */
export function settledHeartbeat(client: PipeClient): HeartbeatEvent | undefined {
  return client.events.find(
    (event): event is HeartbeatEvent =>
      event.type === 'heartbeat' && event.last_seq - client.hello.first_seq + 1 === event.kernel_count,
  );
}

/** Fails unless the numbers of `events` follow one another without a hole. */
export function requireDense(events: readonly ProbeEvent[]): void {
  let next: number | undefined;
  for (const event of events) {
    if (event.type === 'hello' || event.type === 'heartbeat' || event.type === 'clock') continue;
    const [first, last] = event.type === 'gap' ? [event.first, event.last] : [event.seq, event.seq];
    if (first === undefined || last === undefined) continue;
    if (next !== undefined && first !== next) throw new Error(`after ${next - 1} comes ${first}`);
    next = last + 1;
  }
}
