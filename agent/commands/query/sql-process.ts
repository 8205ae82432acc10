import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { SQLOutputValue } from 'node:sqlite';
import { reasonOf, systemCode } from '../../errors.ts';
import { writeAll } from '../../files/descriptor.ts';
import { QueryError } from '../../store/read/errors.ts';
import { prepareSql, type SqlQuery } from '../../store/read/sql.ts';

/** The request to the process of a statement, as JSON on its standard input. */
export interface SqlRequest extends SqlQuery {
  /** Rows at most. */
  readonly limit: number;
  readonly timeoutMs: number;
  /** The most memory that the process may take. */
  readonly maxBytes: number;
  /** `json`: each row is an object. `cells`: an array of texts. */
  readonly form: 'json' | 'cells';
}

/** The last line that it prints; rows and the header begin with another character. */
export interface SqlEnd {
  readonly error?: string;
  /** Whether there are more rows than the limit. */
  readonly more?: boolean;
  readonly problems?: readonly string[];
}

/** The prefixes of lines: header, row, end. */
export const LINE = { header: 'h', row: 'r', end: 'e' } as const;

const STANDARD_OUTPUT = 1;
const FLUSH_CHARACTERS = 64 * 1024;
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;

/**
 * Ends the process when its time or memory is used up. A thread of its own, since SQLite cannot be interrupted: the thread that
 * runs the statement does nothing else until it has a row.
 */
const WATCHDOG = `
const { workerData: { timeoutMs, maxBytes } } = require('node:worker_threads');
const end = () => process.kill(process.pid, 'SIGKILL');
setTimeout(end, timeoutMs);
setInterval(() => { if (process.memoryUsage.rss() > maxBytes) end(); }, 50);
`;

/** Runs one statement in this process, which does nothing else. */
export async function runSqlProcess(): Promise<void> {
  const request = JSON.parse(await readRequest()) as SqlRequest;
  const { timeoutMs, maxBytes } = request;
  const watchdog = new Worker(WATCHDOG, { eval: true, workerData: { timeoutMs, maxBytes }, env: {} });
  await once(watchdog, 'online');
  try {
    await print(request);
  } catch (error) {
    if (systemCode(error) !== 'EPIPE') throw error;
  }
  await watchdog.terminate();
}

async function readRequest(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin as AsyncIterable<string>) {
    text += chunk;
    if (text.length > MAX_REQUEST_BYTES) throw new Error('the request is too long');
  }
  return text;
}

async function print(request: SqlRequest): Promise<void> {
  let pending = '';
  const flush = async (): Promise<void> => {
    const { error } = await writeAll(STANDARD_OUTPUT, Buffer.from(pending));
    pending = '';
    if (error !== undefined) throw error;
  };
  let end: SqlEnd;
  try {
    const { columns, rows, problems } = prepareSql(request, Date.now());
    pending += `${LINE.header}${JSON.stringify(columns)}\n`;
    let left = request.limit;
    for (const row of rows) {
      if (--left < 0) break;
      pending += `${LINE.row}${request.form === 'json' ? objectOf(columns, row) : JSON.stringify(row.map(cellOf))}\n`;
      if (pending.length >= FLUSH_CHARACTERS) await flush();
    }
    end = { more: left < 0, problems };
  } catch (error) {
    if (systemCode(error) === 'EPIPE') throw error;
    end = { error: error instanceof QueryError ? error.message : reasonOf(error) };
  }
  pending += `${LINE.end}${JSON.stringify(end)}\n`;
  await flush();
}

/** A row as one JSON object. Whole numbers keep all their digits. */
function objectOf(columns: readonly string[], row: readonly SQLOutputValue[]): string {
  return `{${row.map((value, i) => `${JSON.stringify(columns[i])}:${jsonOf(value)}`).join(',')}}`;
}

function jsonOf(value: SQLOutputValue): string {
  if (typeof value === 'bigint') return String(value);
  return JSON.stringify(value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value);
}

function cellOf(value: SQLOutputValue): string {
  if (value === null) return '-';
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value);
}
