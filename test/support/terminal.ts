import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { PATIENCE } from './pace.ts';

export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: NodeJS.ProcessEnv;
}

/** A command in a terminal of its own, which script(1) makes: what it writes, and keys that it gets. */
export class Terminal implements AsyncDisposable {
  /** All that it wrote, control sequences included. */
  text = '';
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;

  constructor(
    command: readonly string[],
    { columns = 80, rows = 24, env = { LANG: 'C.UTF-8' } }: TerminalOptions = {},
  ) {
    const quoted = command.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
    this.#child = spawn(
      'script',
      ['--quiet', '--return', '--flush', '--command', `stty cols ${columns} rows ${rows}; exec ${quoted}`, '/dev/null'],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { PATH: process.env['PATH'], TERM: 'xterm-256color', SHELL: '/bin/sh', ...env },
      },
    );
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.text += text));
    this.#exited = new Promise((resolve) => this.#child.once('close', resolve));
  }

  /** The last screen that was drawn from its top, without control sequences: one string a row. */
  get screen(): string[] {
    return withoutControls(this.text.slice(this.text.lastIndexOf('\x1b[H') + 3)).split(/\r?\n/u);
  }

  /** Rows that were written one below the other, without control sequences. */
  get rows(): string[] {
    return withoutControls(this.text).split(/\r?\n/u);
  }

  /** Types something: `\x03` is Ctrl-C. */
  type(keys: string): void {
    this.#child.stdin!.write(keys);
  }

  /** Goes on after the command was stopped: script(1) stops with it, and continues it. */
  resume(): void {
    this.#child.kill('SIGCONT');
  }

  async until(what: () => boolean, seconds = 20): Promise<void> {
    for (let waited = 0; waited < seconds * PATIENCE * 1000; waited += 20) {
      if (what()) return;
      await delay(20);
    }
    throw new Error(`waited in vain for ${String(what)}; the terminal shows:\n${this.text}`);
  }

  /** Its exit status, once it has ended. */
  get status(): Promise<number | null> {
    return this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}

/** Text without the sequences that position and colour it. */
export const withoutControls = stripVTControlCharacters;
