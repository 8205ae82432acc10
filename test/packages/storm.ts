import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';

import { linesOf } from './guest.ts';

/** Execs of one burst; the next follows after a quarter of a second. */
const BURST = 25;

/** FOLDER MARK: bursts until /run/storm-MARK.stop is there; /run/storm-MARK says how many there were. */
const SCRIPT = `set -e
bursts=0
until [ -e /run/storm-$2.stop ]; do
	"$1/exec-storm" "$1/no-op" ${BURST} 1 $bursts "$2" >/dev/null
	bursts=$((bursts + 1))
	echo $bursts >/run/storm-$2.new
	mv /run/storm-$2.new /run/storm-$2
	sleep 0.25
done
rm /run/storm-$2.stop
`;

/** Executes a program again and again, in the background, and knows how often. A process of its own, since others are waited for. */
export class Storm {
  readonly #mark: string;
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown[]>;

  /**
   * Starts it.
   * @param folder holds exec-storm and no-op
   * @param mark the last argument of each
   */
  constructor(folder: string, mark: string) {
    this.#mark = mark;
    writeFileSync(this.#file, '0\n');
    this.#process = spawn('/bin/sh', ['-c', SCRIPT, 'sh', folder, mark], { stdio: 'inherit' });
    this.#ended = once(this.#process, 'exit');
  }

  get #file(): string {
    return `/run/storm-${this.#mark}`;
  }

  /** Execs so far, in whole bursts. */
  get count(): number {
    return Number(readFileSync(this.#file, 'utf8')) * BURST;
  }

  /** Ends it. @returns how many execs there were */
  async stop(): Promise<number> {
    writeFileSync(`${this.#file}.stop`, '');
    const [code] = await this.#ended;
    if (code !== 0) throw new Error(`the storm ended with ${String(code)}`);
    const { count } = this;
    rmSync(this.#file);
    return count;
  }

  /** How many of them a log has, each counted once, and how many lines more than that. */
  found(log: string): { readonly distinct: number; readonly twice: number } {
    const seen = new Set<string>();
    let lines = 0;
    for (const line of linesOf(log)) {
      if (!line.includes(`"${this.#mark}"`)) continue;
      const { type, argv } = JSON.parse(line) as { type: string; argv?: string[] };
      // no-op, its worker, its number, the burst, the mark
      if (type !== 'exec' || argv?.length !== 5 || argv[4] !== this.#mark) continue;
      lines++;
      seen.add(`${argv[2]} ${argv[3]}`);
    }
    return { distinct: seen.size, twice: lines - seen.size };
  }
}
