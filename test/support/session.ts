import { spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import type { ExecEvent, ExecFailedEvent } from '../../shared/events/exec.ts';
import type { ExitEvent } from '../../shared/events/exit.ts';
import { startHelper, type RunningHelper } from './helper-process.ts';
import { PATIENCE } from './pace.ts';
import { PipeClient, requireDense } from './pipe-client.ts';

/** A program that ran to its end. */
export interface Run {
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
}

/** Runs a program and leaves the event loop free for clients of this process. A hung one is killed after `seconds`. */
export async function run(
  program: string,
  args: readonly string[] = [],
  options: SpawnOptions = {},
  seconds = 30,
): Promise<Run> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: seconds * PATIENCE * 1000,
    killSignal: 'SIGKILL',
    ...options,
  });
  const parts: Buffer[] = [];
  child.stdout?.on('data', (part: Buffer) => parts.push(part));
  await once(child, 'close');
  return { pid: child.pid ?? 0, code: child.exitCode, signal: child.signalCode, stdout: Buffer.concat(parts) };
}

/** The arguments as a program that printed its /proc/self/cmdline saw them. */
export const argumentsIn = (cmdline: Buffer): string[] => cmdline.toString().split('\0').slice(0, -1);

/** One helper with one client, which got everything from the first event on. */
export class Session {
  readonly helper: RunningHelper;
  #client: PipeClient;

  private constructor(helper: RunningHelper) {
    this.helper = helper;
    this.#client = new PipeClient(helper.socket);
  }

  get client(): PipeClient {
    return this.#client;
  }

  #rejoin(): void {
    this.#client.close();
    this.#client = new PipeClient(this.helper.socket);
  }

  static async open(...args: Parameters<typeof startHelper>): Promise<Session> {
    const session = new Session(await startHelper(...args));
    await session.client.until(({ events }) => events.length > 0);
    return session;
  }

  async close(): Promise<void> {
    this.client.close();
    await this.helper.stop();
  }

  /** Execs of one process, in their order. The snapshot is not an exec. */
  execsOf(pid: number): ExecEvent[] {
    return this.client.execs.filter((event) => event.pid === pid && event.source !== 'snapshot');
  }

  /** Waits for the exec in process `pid` that `fits`. */
  exec(pid: number, fits: (event: ExecEvent) => boolean = () => true): Promise<ExecEvent> {
    return this.client.until(() => this.execsOf(pid).find(fits));
  }

  /** Waits for the exec of `filename`, in whatever process, whose last argument is `mark`. */
  marked(filename: string, mark: string): Promise<ExecEvent> {
    return this.client.exec((event) => event.filename === filename && event.argv?.at(-1) === mark);
  }

  /**
   * Runs `program`, which becomes another in the same process, and gives the exec of that other.
   * A client that lines of megabytes have overtaken, on a machine that is busy otherwise, connects again and is told all that is held.
   */
  async becomes(
    program: string,
    args: readonly string[],
    options: SpawnOptions = {},
  ): Promise<{ event: ExecEvent; stdout: Buffer }> {
    const { pid, code, signal, stdout } = await run(program, args, options);
    if (code !== 0) throw new Error(`${program} ended with ${code ?? signal}`);
    const both = (): Promise<unknown> => this.client.until(() => this.execsOf(pid).length === 2);
    await both().catch((error: Error) => {
      if (!error.message.includes('disconnected')) throw error;
      this.#rejoin();
      return both();
    });
    return { event: this.execsOf(pid)[1] as ExecEvent, stdout };
  }

  failures(fits: (event: ExecFailedEvent) => boolean): ExecFailedEvent[] {
    return this.client.events.filter((event): event is ExecFailedEvent => event.type === 'exec_failed' && fits(event));
  }

  exits(fits: (event: ExitEvent) => boolean = () => true): ExitEvent[] {
    return this.client.events.filter((event): event is ExitEvent => event.type === 'exit' && fits(event));
  }

  exit(pid: number): Promise<ExitEvent> {
    return this.client.until(() => this.exits((event) => event.pid === pid)[0]);
  }

  /** Waits until all that happened before has arrived: runs a program of its own and waits for that. */
  async settle(): Promise<void> {
    const { pid } = await run('/bin/true', ['settle']);
    await this.exec(pid);
    requireDense(this.client.events);
  }
}
