/** One row of a table in a document: cells by the column's heading. */
export type Row = Readonly<Record<string, string>>;

/**
 * The first table under a heading of a page, of whatever level.
 * @throws {Error} when there is no such heading, or no table before the next one
 */
export function tableOf(page: string, heading: string): Row[] {
  const lines = page.split('\n');
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading);
  if (start === -1) throw new Error(`no heading "${heading}"`);
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => /^#+ /.test(line));
  const section = end === -1 ? rest : rest.slice(0, end);
  const first = section.findIndex((line) => line.startsWith('|'));
  if (first === -1) throw new Error(`no table under "${heading}"`);
  const last = section.findIndex((line, i) => i > first && !line.startsWith('|'));
  const [head = [], , ...rows] = section.slice(first, last === -1 ? undefined : last).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  return rows.map((cells) => Object.fromEntries(head.map((name, i) => [name, cells[i] ?? ''])));
}
