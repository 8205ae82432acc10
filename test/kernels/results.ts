import type { KernelResults, Result } from '../../installers/generated/kernel-results.ts';
import type { Outcome } from '../run/tap.ts';

/** The results of one run, by release and title. */
export class RunResults {
  readonly #results = new Map<string, Map<string, Result>>();

  /** A kernel that is part of the run, in the order in which its results are shown. */
  addKernel(release: string): void {
    if (!this.#results.has(release)) this.#results.set(release, new Map());
  }

  add(release: string, title: string, { result, reason = '' }: Pick<Outcome, 'result' | 'reason'>): void {
    this.addKernel(release);
    this.#results.get(release)?.set(title, result === 'skipped' ? `skipped: ${reason}` : result);
  }

  /**
   * These results in the place of the earlier ones for the same kernels. Those for other kernels stay if they are of
   * the same probe object, and where only a part of the tests was run, those of the others too.
   * @param date of the run, YYYY-MM-DD
   * @param probeObject SHA-256 in hexadecimal
   * @param isPart whether files or tests were chosen
   */
  replaceIn(earlier: KernelResults | undefined, date: string, probeObject: string, isPart: boolean): KernelResults {
    const kept = earlier?.probeObject === probeObject ? earlier.results : {};
    const run = [...this.#results].map(
      ([release, results]) =>
        [release, { ...(isPart ? kept[release] : undefined), ...Object.fromEntries(results) }] as const,
    );
    return { date, probeObject, results: { ...kept, ...Object.fromEntries(run) } };
  }
}
