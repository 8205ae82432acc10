import { readFileSync } from 'node:fs';
import test from 'ava';

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const page = read('docs/benchmarks.md');
const cost = /^## Its cost\n([\s\S]*?)^## /mu.exec(read('README.md'))?.[1] ?? '';

/** Rows of a table in Markdown, as cells without emphasis. */
const rowsOf = (text: string): string[][] =>
  [...text.matchAll(/^\| (.*) \|$/gmu)].map(([, row]) => row!.split(' | ').map((cell) => cell.replaceAll('**', '')));

/** The storm's table in docs/benchmarks.md. */
function storm(title: string): string[][] {
  const section = page.split(/^### /mu).find((each) => each.startsWith(`${title}\n`));
  if (section === undefined) throw new Error(`docs/benchmarks.md has no storm "${title}"`);
  return rowsOf(section.split(/^## /mu)[0]!);
}

/** The median at the start of a cell, as it stands. */
const medianOf = (cell: string): string => /^-?[\d.]+/u.exec(cell)?.[0] ?? '';

test('the tables of cost in the README have the medians and counts of docs/benchmarks.md', (t) => {
  const tables = cost.split(/^\*\*/mu).slice(1);
  t.true(tables.length > 0);
  for (const table of tables) {
    const [title = ''] = table.split('**');
    const measured = storm(title);
    const [, , ...rows] = rowsOf(table);
    t.true(rows.length > 0);
    for (const [tool, ...cells] of rows) {
      const [, added, , , cpu, , lost, cut] = measured.find(([name]) => name === tool) ?? [];
      t.deepEqual(cells, [medianOf(added ?? ''), medianOf(cpu ?? ''), lost, cut], `${title}: ${tool}`);
    }
  }
});

test('each other number of that section is one of docs/benchmarks.md', (t) => {
  const prose = cost.replaceAll(/^(?:\||\*\*).*$/gmu, '').replaceAll(/\]\([^)]*\)/gu, ']');
  const numbers = prose.match(/\d[\d,]*(?:\.\d+)?/gu) ?? [];
  t.true(numbers.length > 0);
  const there = new Set(page.match(/\d[\d,]*(?:\.\d+)?/gu));
  t.deepEqual(
    numbers.filter((number) => !there.has(number)),
    [],
  );
});

test('docs/benchmarks.md was measured on a quiet machine, before and after', (t) => {
  const loads = [
    ...page.matchAll(/^\| load (?:before|after).*\| ([\d.]+),/gmu),
    ...page.matchAll(/^Measured .* load of one minute ([\d.]+) before,/gmu),
    ...page.matchAll(/^Measured .* before, ([\d.]+) after\.$/gmu),
  ].map(([, load]) => Number(load));
  t.true(loads.length >= 2 + 2 * 6, `${loads.length} loads`);
  t.true(loads.every((load) => load <= 0.5));
});
