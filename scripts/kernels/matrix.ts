import type { Outcome } from './tap.ts';

type Result = Outcome['result'];

/** Tests by kernels. */
export class Matrix {
  readonly #columns: string[] = [];
  /** By scenario and title, then by kernel. */
  readonly #rows = new Map<string, Map<string, Result>>();
  readonly #reasons = new Map<string, string>();

  addKernel(release: string): void {
    this.#columns.push(release);
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
    const words = { passed: 'passed', failed: 'FAILED', skipped: 'skipped', missing: 'not run' } as const;
    const lines = [...this.#rows].map(([name, row]) => [name, ...this.#columns.map((column) => words[row.get(column) ?? 'missing'])]);
    const table = [['test', ...this.#columns], ...lines].map((line) => line.map((text) => text.replaceAll('|', String.raw`\|`)));
    const widths = table[0]?.map((_, i) => Math.max(...table.map((line) => line[i]?.length ?? 0))) ?? [];
    const text = (line: readonly string[]): string => `| ${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
    const [head = [], ...body] = table;
    return [
      text(head),
      `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`,
      ...body.map(text),
      ...[...this.#reasons].map(([where, reason], i) => `${i === 0 ? '\n' : ''}Skipped: ${where}: ${reason}.`),
    ].join('\n');
  }
}
