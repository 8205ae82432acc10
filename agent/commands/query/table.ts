import { cutTo, padTo, widthOf } from '../../terminal/columns.ts';
import { neutralise } from '../../terminal-text.ts';

/** Columns narrower than this are not made narrower for others. */
const LEAST_WIDTH = 8;

/** Of a cell that is far too long for any terminal, so much is looked at. */
const MAX_CELL = 2000;

/**
 * A table of text as lines that fit a terminal. Other people chose what stands in the cells: it is neutralised.
 * @param columns of the terminal; Infinity cuts nothing
 */
export function tableLines(
  header: readonly string[],
  rows: ReadonlyArray<readonly string[]>,
  columns: number,
): string[] {
  const cells = [header, ...rows].map((row) => row.map((cell) => neutralise(cell.slice(0, MAX_CELL))));
  const widths = fitted(
    header.map((_, i) => cells.reduce((most, row) => Math.max(most, widthOf(row[i] ?? '')), 0)),
    columns,
  );
  return cells.map((row) =>
    cutTo(
      row
        .map((cell, i) => (i === row.length - 1 ? cutTo(cell, widths[i]!) : padTo(cutTo(cell, widths[i]!), widths[i]!)))
        .join('  '),
      columns,
    ),
  );
}

/** Takes from the widest columns until all fit, with two spaces between them. */
function fitted(wanted: readonly number[], columns: number): number[] {
  const widths = [...wanted];
  let over = widths.reduce((sum, width) => sum + width + 2, -2) - columns;
  while (over > 0) {
    const widest = Math.max(...widths);
    if (widest <= LEAST_WIDTH) return widths;
    const at = widths.lastIndexOf(widest);
    const next = Math.max(LEAST_WIDTH, ...widths.filter((_, i) => i !== at));
    const take = Math.min(over, Math.max(1, widest - Math.max(next, LEAST_WIDTH)));
    widths[at] = widest - take;
    over -= take;
  }
  return widths;
}
