import { chmodSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { EXEC_EXAMPLE, type ExecEvent } from '../../shared/events/exec.ts';
import { HELLO_EXAMPLE } from '../../shared/events/hello.ts';

/** All numbers have as many digits, so that they can be written over each other. */
const FIRST_SEQ = 100_000_000_000;
const LINES = 512;

/** Programs that machines run: compilers, scripts, containers, with arguments that need escapes and names that are not ASCII. */
const KINDS: ReadonlyArray<(i: number) => Partial<ExecEvent>> = [
  (i) =>
    program(
      '/usr/lib/gcc/x86_64-linux-gnu/12/cc1',
      '-quiet',
      '-O2',
      '-imultiarch',
      'x86_64-linux-gnu',
      `net/core/file${i}.c`,
      '-o',
      `/tmp/cc${i}.s`,
    ),
  (i) => program('/bin/sh', '-c', `test -e "$HOME/.cache/${i}" && cat "$HOME/.cache/${i}" || echo "none\n"`),
  () => ({}),
  (i) => ({
    ...program('/usr/bin/git', 'rev-parse', '--verify', `refs/heads/topic-${i}`),
    cgroup: `/system.slice/docker-${'0123456789abcdef'.repeat(4)}.scope`,
    container_id: '0123456789abcdef'.repeat(4),
    ns: { cgroup: 4026532835, ipc: 4026532839, mnt: 4026532841, net: 4026532840, pid: 4026532836, uts: 4026532838 },
  }),
  (i) => ({ ...program('/usr/bin/rm', '-f', `/home/ada/Übung ${i}/日本.txt`), flags: ['setuid', 'secureexec'] }),
  (i) =>
    program(
      '/usr/bin/python3',
      '-m',
      'pytest',
      '-q',
      `tests/test_${i}.py`,
      '--maxfail=1',
      '--durations=10',
      '--color=no',
    ),
];

function program(path: string, ...args: string[]): Partial<ExecEvent> {
  const argv = [path, ...args];
  return {
    exe: path,
    filename: path,
    argv,
    argv_bytes: Buffer.byteLength(argv.join('\0')) + 1,
    comm: path.split('/').at(-1)!.slice(0, 15),
    command: argv.join(' '),
  };
}

/** A line of a usual program, the same for the same number, with its newline. */
export function usualLine(i: number): string {
  const kind = KINDS[i % KINDS.length]!;
  const order = { ...EXEC_EXAMPLE, ...kind(i), seq: FIRST_SEQ + i, pid: 10_000 + i };
  const { raw: _raw, container_id, ns, flags, parent, source, ...rest } = order;
  return `${JSON.stringify({ ...rest, ...(container_id && { container_id }), ...(ns && { ns }), ...(flags && { flags }), parent, source })}\n`;
}

/** A stand-in for the helper that sends events without end at hardly any cost: the same lines, with other numbers. */
export class LoadHelper {
  readonly socketPath: string;
  readonly #server: Server;
  readonly #accepted = Promise.withResolvers<Socket>();
  readonly #block: Buffer;
  /** Where each line's number begins in the block. */
  readonly #numbers: number[] = [];
  readonly #ends: number[] = [];
  #sent = 0;
  bytesOfEvents = 0;

  constructor(folder: string) {
    this.socketPath = join(folder, 'events.sock');
    this.#server = createServer((client) => {
      const { oldest_held_seq: _, ...hello } = HELLO_EXAMPLE;
      client.write(
        `${JSON.stringify({ ...hello, first_seq: FIRST_SEQ, last_seq: FIRST_SEQ - 1, heartbeat_seconds: 3600 })}\n`,
      );
      client.on('error', () => undefined);
      this.#accepted.resolve(client);
    });
    const lines = Array.from({ length: LINES }, (_, i) => usualLine(i));
    this.#block = Buffer.from(lines.join(''));
    for (let i = 0, at = 0; i < LINES; i++) {
      this.#numbers.push(this.#block.indexOf(`"seq":${FIRST_SEQ + i}`, at) + 6);
      at += Buffer.byteLength(lines[i]!);
      this.#ends.push(at);
    }
  }

  /** Resolves when there is a client. */
  get connected(): Promise<unknown> {
    return this.#accepted.promise;
  }

  async listen(): Promise<this> {
    this.#server.listen(this.socketPath);
    await once(this.#server, 'listening');
    chmodSync(this.socketPath, 0o660);
    return this;
  }

  /** Sends so many events, as fast as they are taken. */
  async send(count: number): Promise<void> {
    const client = await this.#accepted.promise;
    for (let left = count; left > 0; left -= LINES) {
      if (!client.write(this.#next(Math.min(left, LINES)))) await once(client, 'drain');
    }
  }

  /** Sends so many events, some in each turn. */
  async sendInTurns(count: number, perTurn: number, turnMs: number): Promise<void> {
    const begin = performance.now();
    for (let turn = 0; turn * perTurn < count; turn++) {
      await this.send(Math.min(perTurn, count - turn * perTurn));
      await delay(Math.max(0, begin + (turn + 1) * turnMs - performance.now()));
    }
  }

  #next(count: number): Buffer {
    const block = Buffer.from(this.#block.subarray(0, this.#ends[count - 1]));
    for (let i = 0; i < count; i++) block.write(String(FIRST_SEQ + this.#sent++), this.#numbers[i]!, 'latin1');
    this.bytesOfEvents += block.length;
    return block;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    (await Promise.race([this.#accepted.promise, undefined]))?.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
