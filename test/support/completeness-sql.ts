import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './repository.ts';
import { lose, type ExpectedDamage } from './lost-rows.ts';
import { recipe } from './recipes.ts';
import { keyOf, randomFrom, sealedStreams, type Row } from './sealed-streams.ts';

const FILE = 'docs/completeness.md';

/** The page's text. */
export const PAGE = readFileSync(path.join(ROOT, FILE), 'utf8');

/** The SQL under a heading of docs/completeness.md, as single statements. */
export const statements = (title: string): string[] =>
  recipe(title, 'sql', FILE)
    .split(/;\n/u)
    .map((text) => text.trim())
    .filter((text) => text !== '');

/** The configuration under a heading of that page. */
export const configurationOf = (title: string): string => recipe(title, 'yaml', FILE);

export type SqlRow = Readonly<Record<string, unknown>>;

/** Runs the one query under a heading. */
export type Ask = (title: string) => Promise<readonly SqlRow[]> | readonly SqlRow[];

/** A query's answer about missing lines, as `host,boot,stream seal from to missing`. */
const missingIn = (rows: readonly SqlRow[]): string[] =>
  rows
    .map((row) => [rowKey(row), ...['seal', 'from', 'to', 'missing'].map((name) => Number(row[name]))].join(' '))
    .toSorted();

const rowKey = (row: SqlRow): string => keyOf(row as unknown as { host_id: string; boot_id: string; stream: string });

/** The answers that the queries should give, in the same form. */
function answersTo(expected: readonly ExpectedDamage[]): Record<string, string[]> {
  const missing = (position: 3 | 4): string[] => {
    const texts = expected.flatMap(({ key, bySeal }) =>
      bySeal
        .map((text) => text.split(' '))
        .filter((parts) => parts[position] !== '0')
        .map(([seal, from, to, ...counts]) => [key, seal, from, to, counts[position - 3]].join(' ')),
    );
    return [...new Set(texts)].toSorted();
  };
  return {
    'events that are missing': missing(3),
    'gaps that are missing': missing(4),
    'numbers that no seal covers': expected
      .flatMap(({ key, uncovered }) => uncovered.map((number) => `${key} ${number}`))
      .toSorted(),
    'streams that begin late': expected
      .flatMap(({ key, lowest }) => (lowest !== undefined && lowest > 1 ? [`${key} ${lowest}`] : []))
      .toSorted(),
  };
}

/** The answers of a database to all queries about losses. @param prefix of the headings */
async function answersOf(ask: Ask, prefix: string): Promise<Record<string, string[]>> {
  const title = (name: string): string =>
    prefix === '' ? `${name[0]!.toUpperCase()}${name.slice(1)}` : `${prefix}: ${name}`;
  const [events, gaps, uncovered, late] = [
    await ask(title('events that are missing')),
    await ask(title('gaps that are missing')),
    await ask(title('numbers that no seal covers')),
    await ask(title('streams that begin late')),
  ];
  return {
    'events that are missing': missingIn(events),
    'gaps that are missing': missingIn(gaps),
    'numbers that no seal covers': uncovered
      .flatMap((row) => {
        const [first, last] = [Number(row['first_number']), Number(row['last_number'])];
        return Array.from({ length: last - first + 1 }, (_, i) => `${rowKey(row)} ${first + i}`);
      })
      .toSorted(),
    'streams that begin late': late.map((row) => `${rowKey(row)} ${Number(row['first_seal'])}`).toSorted(),
  };
}

interface Trial {
  /** Answers and what they should be, for rows of which nothing is missing. */
  readonly whole: [Record<string, string[]>, Record<string, string[]>];
  /** The same after rows were taken away. */
  readonly damaged: [Record<string, string[]>, Record<string, string[]>];
}

/** Loads what a seed gives, whole and damaged, and asks. @param load empties the database and puts these rows in */
export async function tryDatabase(
  seed: number,
  shape: { hosts: number; numbers: number },
  load: (rows: readonly Row[]) => Promise<Ask> | Ask,
  prefix = '',
): Promise<Trial> {
  const rows = sealedStreams({ seed, ...shape });
  const whole = await answersOf(await load(rows), prefix);
  const { rows: left, expected } = lose(rows, randomFrom(seed + 7), 12);
  return { whole: [whole, answersTo([])], damaged: [await answersOf(await load(left), prefix), answersTo(expected)] };
}
