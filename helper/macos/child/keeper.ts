import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { write } from 'node:fs';
import { promisify } from 'node:util';
import { CHILD_GRACE_MS, MAX_BACKOFF_MS, MIN_BACKOFF_MS } from '../../limits.ts';
import { RESTART_MARK } from './decoder.ts';

const writeAll = promisify(write);

/** A program to keep running. */
export interface KeptProgram {
  /** Absolute; never looked up. */
  readonly path: string;
  readonly args: readonly string[];
}

/**
 * Keeps a child running: starts it, and restarts it when it has ended, after growing waits. Reads nothing of its
 * output; writes a mark there between two children.
 */
export class Keeper {
  readonly #program: KeptProgram;
  readonly #output: number;
  readonly #errors: number;
  readonly #say: (text: string) => void;
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #backoffMs = MIN_BACKOFF_MS;
  #startedMs = 0;
  #stopped = false;

  /** @param output its standard output, and `errors` its standard error; they stay the caller's */
  constructor(program: KeptProgram, output: number, errors: number, say: (text: string) => void) {
    this.#program = program;
    this.#output = output;
    this.#errors = errors;
    this.#say = say;
  }

  start(): void {
    this.#startedMs = performance.now();
    // Without our environment, and in its own process group: eslogger does not report its own group.
    const child = spawn(this.#program.path, this.#program.args, {
      env: {},
      cwd: '/',
      stdio: ['ignore', this.#output, this.#errors],
      detached: true,
    });
    this.#child = child;
    child.once('exit', (code, signal) => void this.#ended(`ended with ${signal ?? code}`));
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) void this.#ended(`cannot be started (${error.code ?? error.message})`);
    });
  }

  /** Ends the child, so that it is restarted; does nothing if none runs. */
  again(): void {
    void this.#end();
  }

  /** Ends the child permanently. Resolves when it is gone. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#end();
  }

  async #end(): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), CHILD_GRACE_MS);
    await gone;
    clearTimeout(killer);
  }

  async #ended(how: string): Promise<void> {
    this.#child = undefined;
    if (this.#stopped) return;
    if (performance.now() - this.#startedMs >= MAX_BACKOFF_MS) this.#backoffMs = MIN_BACKOFF_MS;
    this.#say(`${this.#program.path} ${how}; restarting it in ${this.#backoffMs / 1000} s`);
    // Do not block here: the pipe may be full, and its reader busy.
    await writeAll(this.#output, RESTART_MARK);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => this.start(), this.#backoffMs);
    this.#backoffMs = Math.min(2 * this.#backoffMs, MAX_BACKOFF_MS);
  }
}
