import { neutralise } from '../terminal-text.ts';
import { cutTo, padTo, widthOf } from '../terminal/columns.ts';

export interface Column {
  readonly name: string;
  /** Numbers stand to the right. */
  readonly right?: boolean;
  /** At most so wide. Left out: as wide as its widest cell. */
  readonly most?: number;
}

/** Rows of cells as lines, each column as wide as it needs. The last column takes what is left of `columns`. */
export function textTable(head: readonly Column[], rows: ReadonlyArray<readonly string[]>, columns: number): string[] {
  const cells = [head.map(({ name }) => name), ...rows.map((row) => row.map(neutralise))];
  const widths = head.map(({ most = Infinity }, i) =>
    Math.min(most, Math.max(...cells.map((row) => widthOf(row[i] ?? '')))),
  );
  return cells.map((row) => {
    const line = head.map(({ right }, i) => {
      const width = widths[i]!;
      const cell = row[i] ?? '';
      if (i === head.length - 1 && right !== true) return cell;
      const cut = cutTo(cell, width);
      return right === true ? ' '.repeat(Math.max(0, width - widthOf(cut))) + cut : padTo(cut, width);
    });
    return cutTo(line.join('  ').trimEnd(), columns);
  });
}
