import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { atEnd } from '../cleanup.ts';

/** A program whose standard output goes into a file. */
export class Reader {
  readonly file: string;
  readonly process: ChildProcess;
  readonly #errors: string;
  readonly #forget: () => void;

  constructor(
    folder: string,
    [program, ...args]: readonly [string, ...string[]],
    env: NodeJS.ProcessEnv = process.env,
  ) {
    this.file = path.join(folder, 'output');
    this.#errors = path.join(folder, 'errors');
    const [output, errors] = [openSync(this.file, 'w', 0o600), openSync(this.#errors, 'w', 0o600)];
    this.process = spawn(program, args, { cwd: folder, env, stdio: ['ignore', output, errors] });
    closeSync(output);
    closeSync(errors);
    this.#forget = atEnd(() => this.process.kill('SIGKILL'));
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  get ended(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  size(): number {
    return statSync(this.file).size;
  }

  log(): string {
    return readFileSync(this.#errors, 'utf8').trim();
  }

  /** As Ctrl-C would. One that does not listen is killed. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
    if (!this.ended) {
      const exit = once(this.process, 'exit');
      this.process.kill(signal);
      await Promise.race([exit, delay(10_000)]);
      if (!this.ended) {
        this.process.kill('SIGKILL');
        await exit;
      }
    }
    this.#forget();
  }
}
