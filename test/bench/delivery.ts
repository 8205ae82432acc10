import { createReadStream } from 'node:fs';

import { LineSplitter } from '../support/line-splitter.ts';
import type { Storm } from './storm.ts';

/** One exec as an observer told it: its arguments, joined by spaces. */
export interface Told {
  readonly pid: number;
  readonly args: string;
}

/** The part of a storm that arrived. */
export interface Delivery {
  /** Execs of the storm that were told at all. */
  readonly told: number;
  /** Told, but arguments are missing or cut. */
  readonly cut: number;
  /** Told, but without a command line. */
  readonly bare: number;
  readonly lost: number;
  readonly doubled: number;
  /** Lost and reported as such. */
  readonly reported: number;
}

/** Compares what arrived with what was started: each exec by the number it has in its arguments. */
export class Deliveries {
  readonly #storm: Storm;
  readonly #seen: Uint8Array;
  readonly #share: number;
  #whole = 0;
  #told = 0;
  #doubled = 0;
  #bare = 0;
  #reported = 0;

  constructor(storm: Storm) {
    this.#storm = storm;
    this.#share = Math.ceil(storm.execs / storm.shape.workers);
    this.#seen = new Uint8Array(this.#share * storm.shape.workers);
  }

  add({ pid, args }: Told): void {
    const { program, mark, shape } = this.#storm;
    if (!args.startsWith(`${program} `)) return;
    const [worker, index, found] = args.slice(program.length + 1, program.length + 80).split(' ', 3);
    if (found !== mark) return;
    // The storm itself was started with such arguments too, but with the number of execs where they have a worker.
    if (Number(worker) >= shape.workers || Number(index) >= this.#share) return;
    const at = Number(worker) * this.#share + Number(index);
    if (this.#seen[at] === 1) {
      this.#doubled++;
      return;
    }
    this.#seen[at] = 1;
    this.#told++;
    if (pid > 1 && args === [program, worker, index, mark, ...shape.args].join(' ')) this.#whole++;
  }

  /** An exec told without anything that says whose it was. */
  addBare(): void {
    this.#bare++;
  }

  addReported(count: number): void {
    this.#reported += count;
  }

  get result(): Delivery {
    const bare = Math.min(this.#bare, this.#storm.execs - this.#told);
    return {
      told: this.#told + bare,
      cut: this.#told - this.#whole,
      bare,
      lost: this.#storm.execs - this.#told - bare,
      doubled: this.#doubled,
      reported: this.#reported,
    };
  }
}

/** Reads files line by line, whatever their size. Only a newline ends a line: arguments may hold whatever else does elsewhere. */
export async function forEachLine(files: readonly string[], take: (line: string) => void): Promise<void> {
  for (const file of files) {
    const splitter = new LineSplitter();
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      for (const line of splitter.push(chunk))
        take(Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8'));
    }
  }
}
