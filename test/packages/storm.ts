import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

import { linesOf } from './guest.ts';

/** Execs of one burst, and milliseconds until the next: a few hundred a second where all is emulated. */
const BURST = 25;
const PAUSE_MS = 250;

/** Executes a program again and again, in the background, and knows how often. */
export class Storm {
  readonly #folder: string;
  readonly #mark: string;
  #bursts = 0;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  /**
   * @param folder holds exec-storm and no-op
   * @param mark the last argument of each
   */
  constructor(folder: string, mark: string) {
    this.#folder = folder;
    this.#mark = mark;
  }

  start(): this {
    this.#running = this.#run();
    return this;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const child: ChildProcess = spawn(
        `${this.#folder}/exec-storm`,
        [`${this.#folder}/no-op`, String(BURST), '1', String(this.#bursts), this.#mark],
        { stdio: 'ignore' },
      );
      const [code] = (await once(child, 'exit')) as [number | null];
      if (code !== 0) throw new Error(`the storm ended with ${code}`);
      this.#bursts++;
      await delay(PAUSE_MS);
    }
  }

  /** Execs so far. */
  get count(): number {
    return this.#bursts * BURST;
  }

  /** Ends it. @returns how many execs there were */
  async stop(): Promise<number> {
    this.#stopped = true;
    await this.#running;
    return this.count;
  }

  /** How many of them a log has, each counted once, and how many lines more than that. */
  found(log: string): { readonly distinct: number; readonly twice: number } {
    const seen = new Set<string>();
    let lines = 0;
    for (const line of linesOf(log)) {
      if (!line.includes(`"${this.#mark}"`)) continue;
      const { type, argv } = JSON.parse(line) as { type: string; argv?: string[] };
      if (type !== 'exec' || argv?.at(-1) !== this.#mark || argv.length !== 5) continue;
      lines++;
      seen.add(`${argv[2]} ${argv[3]}`);
    }
    return { distinct: seen.size, twice: lines - seen.size };
  }
}
