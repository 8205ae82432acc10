import type { Outcome } from './tap.ts';

type Result = Outcome['result'];

const WORDS = { passed: 'passed', failed: 'FAILED', skipped: 'skipped', missing: 'not run' } as const;

/** Tests by kernels. */
export class Matrix {
  readonly #columns: string[] = [];
  /** By scenario and title, then by kernel. */
  readonly #rows = new Map<string, Map<string, Result>>();
  readonly #reasons = new Map<string, string>();

  /** Reads what toString() wrote. */
  static parse(text: string): Matrix {
    const matrix = new Matrix();
    const table = text
      .split('\n')
      .filter((line) => line.startsWith('| '))
      .map((line) =>
        line
          .split(/(?<!\\)\|/u)
          .slice(1, -1)
          .map((cell) => cell.trim().replaceAll(String.raw`\|`, '|')),
      );
    const [[, ...releases] = [], ...rows] = table;
    for (const release of releases) matrix.addKernel(release);
    for (const [name = '', ...cells] of rows) {
      const results = releases.flatMap((release, i) =>
        (['passed', 'failed', 'skipped'] as const)
          .filter((result) => WORDS[result] === cells[i])
          .map((result) => [release, result] as const),
      );
      matrix.#rows.set(name, new Map(results));
    }
    for (const { groups } of text.matchAll(/^Skipped: (?<where>.+?): (?<reason>[^:]+)\.$/gmu))
      matrix.#reasons.set(groups?.['where'] ?? '', groups?.['reason'] ?? '');
    return matrix;
  }

  addKernel(release: string): void {
    if (!this.#columns.includes(release)) this.#columns.push(release);
  }

  /** Puts the results of another run in the place of those that were here for its kernels. */
  replace(newer: Matrix): void {
    for (const release of newer.#columns) {
      this.addKernel(release);
      for (const row of this.#rows.values()) row.delete(release);
      for (const where of this.#reasons.keys()) if (where.endsWith(`, ${release}`)) this.#reasons.delete(where);
    }
    for (const [name, results] of newer.#rows)
      this.#rows.set(name, new Map([...(this.#rows.get(name) ?? []), ...results]));
    for (const [where, reason] of newer.#reasons) this.#reasons.set(where, reason);
    for (const [name, results] of this.#rows) if (results.size === 0) this.#rows.delete(name);
  }

  add(release: string, title: string, result: Result): void {
    const reason = /^(?<before>.*)\[skipped: (?<reason>[^\]]+)\] (?<after>.*)$/u.exec(title)?.groups;
    const name = reason === undefined ? title : `${reason['before'] ?? ''}${reason['after'] ?? ''}`;
    if (reason !== undefined) this.#reasons.set(`${name}, ${release}`, reason['reason'] ?? '');
    const row = this.#rows.get(name) ?? new Map<string, Result>();
    // A skip has to give its reason.
    row.set(release, result === 'skipped' && reason === undefined ? 'failed' : result);
    this.#rows.set(name, row);
  }

  count(wanted: Result): number {
    return [...this.#rows.values()].flatMap((row) => [...row.values()]).filter((result) => result === wanted).length;
  }

  /** As a Markdown table, which is aligned for a terminal too; then the reasons of what was skipped. */
  toString(): string {
    const lines = [...this.#rows].map(([name, row]) => [
      name,
      ...this.#columns.map((column) => WORDS[row.get(column) ?? 'missing']),
    ]);
    const table = [['test', ...this.#columns], ...lines].map((line) =>
      line.map((text) => text.replaceAll('|', String.raw`\|`)),
    );
    const widths = table[0]?.map((_, i) => Math.max(...table.map((line) => line[i]?.length ?? 0))) ?? [];
    const text = (line: readonly string[]): string =>
      `| ${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
    const [head = [], ...body] = table;
    return [
      text(head),
      `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`,
      ...body.map(text),
      ...[...this.#reasons].map(([where, reason], i) => `${i === 0 ? '\n' : ''}Skipped: ${where}: ${reason}.`),
    ].join('\n');
  }
}
