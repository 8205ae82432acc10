import { loadConfig } from '../config/load.ts';
import { systemCode } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { formatProblem } from '../problem.ts';
import { conditionOf } from '../store/read/condition.ts';
import { QueryError } from '../store/read/errors.ts';
import { openStore } from '../store/read/partitions.ts';
import { search } from '../store/read/search.ts';
import { treeOf, type Tree } from '../store/read/tree.ts';
import { wordsQuery } from '../store/read/words.ts';
import { neutralise } from '../terminal-text.ts';
import { print, shownJson } from './print.ts';
import { EVENT_HEADER, eventRow } from './query/event-row.ts';
import { runSql } from './query/sql.ts';
import { tableLines } from './query/table.ts';

export interface QueryOptions {
  readonly condition?: string | undefined;
  readonly config: string;
  readonly store?: string | undefined;
  readonly match?: string | undefined;
  readonly alerts: boolean;
  readonly tree?: number | undefined;
  readonly startTime?: number | undefined;
  readonly sql?: string | undefined;
  readonly limit: number;
  /** Milliseconds. */
  readonly timeout: number;
  readonly json: boolean;
}

/** Rows of a table, which are held until their widths are known. */
const MAX_TABLE_ROWS = 10_000;

/** Memory of the process that runs a statement of SQL. */
const MAX_SQL_BYTES = 1024 ** 3;

const FLUSH_CHARACTERS = 64 * 1024;

/** `probes-agent query`: looks into the store, while the agent runs or not. Changes nothing. */
export async function query(options: QueryOptions): Promise<ExitCode> {
  const refused = conflictIn(options);
  if (refused !== undefined) {
    complain(refused);
    return EXIT.USAGE;
  }
  const folder = folderOf(options);
  if (folder === undefined) return EXIT.CONFIG;
  const output = new Printed(!options.json && process.stdout.isTTY);
  try {
    const { problems, isCut, notes = [] } = await answer(folder, options, output);
    await output.end();
    for (const text of [...problems, ...notes]) complain(text);
    if (isCut) complain(`there are more than these ${options.limit}; --limit N shows more`);
    return problems.length === 0 ? EXIT.OK : EXIT.QUERY;
  } catch (error) {
    // The reader has seen enough.
    if (systemCode(error) === 'EPIPE') return EXIT.OK;
    if (!(error instanceof QueryError)) throw error;
    await output.end();
    complain(error.message);
    return EXIT.QUERY;
  }
}

interface Answered {
  readonly problems: readonly string[];
  readonly isCut: boolean;
  /** Notes for people, besides the rows. */
  readonly notes?: readonly string[];
}

function answer(folder: string, options: QueryOptions, output: Printed): Promise<Answered> {
  if (options.sql !== undefined) return answerSql(folder, options.sql, options, output);
  return options.tree === undefined
    ? answerSearch(folder, options, output)
    : answerTree(folder, options.tree, options, output);
}

async function answerSearch(folder: string, options: QueryOptions, output: Printed): Promise<Answered> {
  const { condition, match, alerts, limit, timeout } = options;
  const asked = {
    condition: condition === undefined ? undefined : conditionOf(condition, Date.now()),
    words: match === undefined ? undefined : wordsQuery(match),
    alertsOnly: alerts,
    // One more says whether there are more.
    limit: limit + 1,
    deadline: performance.now() + timeout,
  };
  using store = openStore(folder);
  output.header(EVENT_HEADER);
  let left = limit;
  for (const line of search(store, asked)) {
    if (--left < 0) break;
    await output.event(line);
  }
  return { problems: store.problems, isCut: left < 0 };
}

async function answerTree(folder: string, pid: number, options: QueryOptions, output: Printed): Promise<Answered> {
  const { startTime, limit, timeout } = options;
  using store = openStore(folder);
  const tree = treeOf(store, { pid, startTime, limit, deadline: performance.now() + timeout });
  output.header(EVENT_HEADER);
  const top = Math.min(0, ...tree.lines.map(({ depth }) => depth));
  for (const { depth, line } of tree.lines) await output.event(line, { depth, indent: '  '.repeat(depth - top) });
  return { problems: store.problems, isCut: tree.isCut, notes: notesOn(tree) };
}

function notesOn({ above, others, asked }: Tree): string[] {
  const notes: string[] = [];
  if (above !== undefined)
    notes.push(
      `above them is process ${above.pid}${above.exe === undefined ? '' : ` (${above.exe})`}, of which the store has no start`,
    );
  if (others.length > 0)
    notes.push(
      `this is the process ${asked.pid} that started at ${asked.startTime}; others with this pid: ${others.map(({ startTime }) => `--start-time ${startTime}`).join(', ')}`,
    );
  return notes;
}

async function answerSql(folder: string, sql: string, options: QueryOptions, output: Printed): Promise<Answered> {
  const { match, limit, timeout } = options;
  const request = {
    folder,
    sql,
    words: match === undefined ? undefined : wordsQuery(match),
    limit,
    timeoutMs: timeout,
    maxBytes: MAX_SQL_BYTES,
    form: output.isTable ? 'cells' : 'json',
  } as const;
  const { more = false, problems = [] } = await runSql(request, {
    header: (columns) => output.header(columns),
    row: (json) => (output.isTable ? output.cells(JSON.parse(json) as string[]) : output.line(json)),
  });
  return { problems, isCut: more };
}

/** @returns what does not go together */
function conflictIn({ condition, tree, sql, alerts, match, startTime }: QueryOptions): string | undefined {
  if (sql !== undefined && tree !== undefined) return 'give either --sql or --tree';
  const other = sql === undefined ? (tree === undefined ? undefined : '--tree') : '--sql';
  if (other !== undefined && condition !== undefined) return `${other} takes no condition beside it`;
  if (other !== undefined && alerts)
    return `${other} takes no --alerts${other === '--sql' ? '; there is a view of that name' : ''}`;
  if (other === '--tree' && match !== undefined) return '--tree takes no --match';
  if (startTime !== undefined && tree === undefined) return '--start-time belongs to --tree';
  return undefined;
}

function folderOf({ store, config: file }: QueryOptions): string | undefined {
  if (store !== undefined) return store;
  const loaded = loadConfig(file);
  if (!loaded.ok) {
    for (const problem of loaded.problems) complain(formatProblem(problem));
    complain('or name the folder of the store: --store FOLDER');
    return undefined;
  }
  if (loaded.config.store === undefined) {
    complain(
      `${file}: it has no "store"; add store: { folder: … } and restart the agent, or name a folder with --store`,
    );
    return undefined;
  }
  return loaded.config.store.folder;
}

/** Standard output: a table that fits the terminal, or lines of JSON. */
class Printed {
  readonly isTable: boolean;
  #header: readonly string[] = [];
  #rows: string[][] = [];
  #pending = '';

  constructor(isTable: boolean) {
    this.isTable = isTable;
  }

  header(columns: readonly string[]): void {
    this.#header = columns;
  }

  /** @param tree where a line is in a tree: its depth, and what stands before its command */
  async event(line: string, tree?: { readonly depth: number; readonly indent: string }): Promise<void> {
    if (this.isTable) return this.cells(eventRow(line, tree?.indent));
    await this.line(tree === undefined ? line : `{"depth":${tree.depth},${line.slice(1)}`);
  }

  cells(row: string[]): void {
    if (this.#rows.length < MAX_TABLE_ROWS) this.#rows.push(row);
  }

  /** Lines of JSON go to a terminal too, with --json. */
  async line(json: string): Promise<void> {
    this.#pending += `${shownJson(json)}\n`;
    if (this.#pending.length >= FLUSH_CHARACTERS) await this.#flush();
  }

  async end(): Promise<void> {
    if (this.isTable && this.#rows.length > 0)
      this.#pending += tableLines(this.#header, this.#rows, process.stdout.columns)
        .map((line) => `${line}\n`)
        .join('');
    this.#rows = [];
    await this.#flush();
  }

  async #flush(): Promise<void> {
    const text = this.#pending;
    this.#pending = '';
    await print(text);
  }
}

function complain(text: string): void {
  for (const line of text.split('\n')) process.stderr.write(`${neutralise(`probes-agent query: ${line}`)}\n`);
}
