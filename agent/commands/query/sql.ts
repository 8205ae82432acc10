import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { ownProgram } from '../../own-program.ts';
import { QueryError } from '../../store/read/errors.ts';
import { LINE, type SqlEnd, type SqlRequest } from './sql-process.ts';

/** The hidden command that runs a statement. */
export const SQL_COMMAND = 'query-sql';

export interface SqlListener {
  header(columns: readonly string[]): void;
  /** A row, as JSON in the form that was asked for. */
  row(json: string): Promise<void> | void;
}

/**
 * Runs a statement in a process of its own, which time and memory end.
 * @throws {QueryError} when it cannot be answered
 */
export async function runSql(request: SqlRequest, listener: SqlListener): Promise<SqlEnd> {
  const [program, ...args] = ownProgram();
  const child = spawn(program, [...args, SQL_COMMAND], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  // A process that ended early does not read what it was asked.
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(request));
  const began = performance.now();
  let end: SqlEnd | undefined;
  try {
    for await (const line of createInterface({ input: child.stdout, crlfDelay: Infinity })) {
      const rest = line.slice(1);
      if (line.startsWith(LINE.header)) listener.header(JSON.parse(rest) as string[]);
      else if (line.startsWith(LINE.row)) await listener.row(rest);
      else end = JSON.parse(rest) as SqlEnd;
    }
  } finally {
    child.kill('SIGKILL');
  }
  const [code] = await closed;
  if (end?.error !== undefined) throw new QueryError(end.error);
  if (end !== undefined) return end;
  if (code !== null && code !== 0 && process.platform !== 'win32')
    throw new Error(`the process of the statement ended with status ${code}`);
  throw new QueryError(
    performance.now() - began >= request.timeoutMs
      ? 'the time is up; ask for less, such as a shorter range of time_us, or give it more time with --timeout'
      : `the statement took more than ${request.maxBytes / 1024 ** 2} MiB of memory; ask for less, such as fewer groups or a LIMIT before ORDER BY`,
  );
}
