import { styleText } from 'node:util';

import { complain } from '../../installers/tools/progress.ts';
import type { Outcome } from './tap.ts';

const WORDS = {
  passed: { word: 'passed ', colour: 'green' },
  failed: { word: 'FAILED ', colour: 'red' },
  skipped: { word: 'skipped', colour: 'yellow' },
} as const;

/** Counts what ran, shows each outcome as it comes, and prints the closing lines of a run. */
export class Tally {
  #passed = 0;
  readonly #failed: string[] = [];
  readonly #skipped: { readonly title: string; readonly reason: string }[] = [];

  /** @param label goes before the title, where the title alone does not say what ran */
  add({ title, result, reason = '', details }: Outcome, label = ''): void {
    const { word, colour } = WORDS[result];
    const name = `${label}${title}`;
    process.stdout.write(`${styleText(colour, word, { stream: process.stdout })}  ${name}\n`);
    for (const line of details) process.stdout.write(`${line}\n`);
    if (result === 'passed') this.#passed++;
    else if (result === 'failed') this.#failed.push(name);
    else this.#skipped.push({ title: name, reason });
  }

  /** Counts something that is not a test: it passed, or it failed for a reason that was printed already. */
  count(name: string, passed: boolean): void {
    if (passed) this.#passed++;
    else this.fail(name, 'failed');
  }

  /** Counts a failure, and says what went wrong. */
  fail(name: string, message: string): void {
    this.#failed.push(name);
    complain(`${name}: ${message}`);
  }

  get failures(): number {
    return this.#failed.length;
  }

  /** Prints what was skipped, what failed, and the counts; sets the exit code. A run without a passed test has failed. */
  close(): void {
    for (const { title, reason } of this.#skipped) process.stdout.write(`skipped: ${title}\n    ${reason}\n`);
    for (const name of this.#failed) process.stdout.write(`FAILED: ${name}\n`);
    process.stdout.write(`${this.#passed} passed, ${this.#failed.length} failed, ${this.#skipped.length} skipped\n`);
    process.exitCode = this.#failed.length > 0 || this.#passed === 0 ? 1 : 0;
  }
}
