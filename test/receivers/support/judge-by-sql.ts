import { DatabaseSync } from 'node:sqlite';
import type { ExecutionContext } from 'ava';
import { randomOf } from '../../agent/support/random.ts';
import { statements } from '../../support/completeness-sql.ts';

const SEEDS = 100;
const MOST_LOST = 20;

interface Missing {
  readonly seal: number;
  readonly missing: number;
}

/**
 * Puts what a receiver has into SQLite, and asks with the SQL of docs/completeness.md: nothing is missing. Then takes random
 * events away, for 100 seeds: exactly the seals that cover them are named, with the right count.
 * @param lines of one stream, in which no number is under two seals
 */
export function judgeBySql(t: ExecutionContext, lines: Iterable<string>): void {
  using database = new DatabaseSync(':memory:');
  const [table, ...rest] = statements('SQLite');
  database.exec(table!);
  const insert = database.prepare('INSERT INTO lines VALUES (?)');
  database.exec('BEGIN');
  for (const line of lines) insert.run(line);
  database.exec('COMMIT');
  for (const statement of rest) database.exec(statement);
  const ask = (title: string): unknown[] => database.prepare(statements(title)[0]!).all();
  for (const title of ['Events that are missing', 'Gaps that are missing', 'Numbers that no seal covers'])
    t.deepEqual(ask(title), [], title);

  const numbers = database.prepare('SELECT DISTINCT seq, seal FROM events ORDER BY seq').all() as unknown as Array<{
    seq: number;
    seal: number;
  }>;
  const sealed = new Set(
    database
      .prepare('SELECT seal FROM seals')
      .all()
      .map(({ seal }) => seal),
  );
  const remove = database.prepare('DELETE FROM events WHERE seq = ?');
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = randomOf(seed);
    const lost = new Map<number, Set<number>>();
    database.exec('BEGIN');
    for (let i = 1 + random(MOST_LOST); i > 0; i--) {
      const { seq, seal } = numbers[random(numbers.length)]!;
      remove.run(seq);
      if (sealed.has(seal)) lost.set(seal, (lost.get(seal) ?? new Set()).add(seq));
    }
    const found = (ask('Events that are missing') as Missing[]).map(({ seal, missing }) => [seal, missing]);
    database.exec('ROLLBACK');
    const expected = [...lost].map(([seal, of]) => [seal, of.size]);
    const bySeal = (a: number[], b: number[]): number => a[0]! - b[0]!;
    t.deepEqual(found.toSorted(bySeal), expected.toSorted(bySeal), `seed ${seed}`);
  }
}
