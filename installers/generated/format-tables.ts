import { readFileSync } from 'node:fs';

import { MAPPING_NAMES } from '../../agent/formats/config.ts';
import { mappingOf } from '../../agent/formats/choice.ts';
import type { Row } from '../../agent/formats/mapping/row.ts';
import { KINDS } from '../../agent/formats/mapping/subject.ts';
import { ATTRIBUTES } from '../../agent/outputs/otlp/attributes.ts';
import { inCheckout } from '../tools/root-folder.ts';

const PAGE = 'docs/formats.md';

/** docs/formats.md with the tables of all mappings, and of the attributes of log records, made anew. What people wrote in it stays. */
export async function formatsPage(): Promise<string> {
  let page = readFileSync(inCheckout(PAGE), 'utf8');
  for (const name of MAPPING_NAMES) page = withTable(page, name, (await mappingOf(name)).rows);
  return withTable(page, 'otlp', ATTRIBUTES);
}

function withTable(page: string, name: string, rows: readonly Row[]): string {
  const begin = `<!-- ${name}: npm run generate -->\n`;
  const start = page.indexOf(begin);
  const end = page.indexOf('<!-- end -->', start);
  if (start === -1 || end === -1) throw new Error(`${PAGE} has no place for the table of ${name}`);
  return `${page.slice(0, start + begin.length)}\n${tableOf(rows)}\n${page.slice(end)}`;
}

function tableOf(rows: readonly Row[]): string {
  const lines = rows.map((row) => `| \`${row.to}\` | ${valueOf(row)} | ${kindsOf(row)} |\n`);
  return `| field | value | of |\n|---|---|---|\n${lines.join('')}`;
}

function valueOf({ constant, from, how = '' }: Row): string {
  if (constant !== undefined) return `always \`${JSON.stringify(constant)}\`${how === '' ? '' : `: ${how}`}`;
  const names = from.map((name) => (name === '*' ? '' : `\`${name}\``)).filter((name) => name !== '');
  if (how === '') return names.join(', ');
  // Where the words name all fields already, they are enough.
  return names.every((name) => how.includes(name)) ? how : `${names.join(', ')}: ${how}`;
}

function kindsOf({ kinds }: Row): string {
  const named = KINDS.filter((kind) => kinds.includes(kind));
  if (named.length === KINDS.length) return 'all';
  const left = KINDS.filter((kind) => !kinds.includes(kind));
  return left.length === 1 ? `all except ${left[0]}` : named.join(', ');
}
