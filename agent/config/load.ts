import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { LineCounter, parseDocument, type Document } from 'yaml';
import { reasonOf, systemCode } from '../errors.ts';
import { findCollisions } from './collisions.ts';
import { explainIssue, KnownKeys } from './explain.ts';
import { readFiltersOf } from './filters.ts';
import { findPointless } from './pointless.ts';
import { Positions } from './positions.ts';
import { placesOf } from './places.ts';
import { formatPath, type Problem } from '../problem.ts';
import { configSchema, type Config } from './schema.ts';

/** Where the packages put the configuration. */
export const DEFAULT_CONFIG_FILE = placesOf(process.platform).config;

/** The largest configuration file that is read, in bytes. */
export const MAX_CONFIG_BYTES = 1024 * 1024;

/** How many times aliases may expand before the file counts as an attack on memory. */
const MAX_ALIAS_EXPANSIONS = 100;

export interface LoadedConfig {
  ok: true;
  config: Config;
  /** Where a path of the configuration stands in the file, for what is found wrong later. */
  placeOf: (path: readonly PropertyKey[]) => Omit<Problem, 'message'>;
}

export type LoadResult = LoadedConfig | { ok: false; problems: Problem[] };

/** Reads and checks a configuration file. Never throws: whatever is wrong with it is in `problems`, all of it. */
export function loadConfig(file: string): LoadResult {
  let text: string;
  try {
    text = readBounded(file);
  } catch (error) {
    return refuse(file, [{ line: 1, column: 1, path: '', message: unreadable(error) }]);
  }
  return parseConfig(text, file);
}

/** The same for text that is already read; `file` only names it in problems. */
export function parseConfig(text: string, file: string): LoadResult {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, version: '1.2', uniqueKeys: true, prettyErrors: false });
  const syntax = [...document.errors, ...document.warnings];
  if (syntax.length > 0) {
    return refuse(
      file,
      syntax.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        return { line: Math.max(line, 1), column: Math.max(col, 1), path: '', message: firstLine(error.message) };
      }),
    );
  }
  return checkDocument(document, new Positions(document, lines), { text, file });
}

function checkDocument(
  document: Document,
  positions: Positions,
  { text, file }: { text: string; file: string },
): LoadResult {
  let data: unknown;
  try {
    data = document.toJS({ maxAliasCount: MAX_ALIAS_EXPANSIONS });
  } catch (error) {
    return refuse(file, [{ ...positions.ofValue([]), path: '', message: firstLine(reasonOf(error)) }]);
  }
  if (data === null || data === undefined) {
    return refuse(file, [{ line: 1, column: 1, path: '', message: 'the file is empty; it needs at least "outputs"' }]);
  }
  const known = new KnownKeys();
  const result = configSchema.safeParse(data, { reportInput: true, error: known.errorMap });
  const placeOf = (path: readonly PropertyKey[]) => ({ file, ...positions.ofValue(path), path: formatPath(path) });
  const collisions = [...findCollisions(data), ...findPointless(data)].map(({ path, message }) => ({
    ...placeOf(path),
    message,
  }));
  const { filters, problems } = readFiltersOf(text, file, data);
  if (result.success && collisions.length === 0 && problems.length === 0)
    return { ok: true, config: { ...result.data, filters }, placeOf };
  const issues = result.success ? [] : result.error.issues.flatMap((issue) => explainIssue(issue, known, positions));
  return refuse(file, [...issues, ...collisions, ...problems]);
}

function refuse(file: string, problems: ReadonlyArray<Omit<Problem, 'file'>>): LoadResult {
  const placed = problems.map((problem) => ({ file, ...problem }));
  placed.sort((a, b) => a.line - b.line || a.column - b.column);
  return { ok: false, problems: placed };
}

function readBounded(file: string): string {
  // Non-blocking, so that a FIFO is refused below instead of waited on.
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw new Error('not a regular file');
    if (stats.size > MAX_CONFIG_BYTES)
      throw new Error(`${stats.size} bytes long; at most ${MAX_CONFIG_BYTES} are read`);
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

function unreadable(error: unknown): string {
  switch (systemCode(error)) {
    case 'ENOENT':
      return 'no such file; write one (see agent.example.yaml) or name another with --config FILE';
    case 'EACCES':
      return "cannot be read by this user; make it readable for the agent's user";
    default:
      return `cannot be read: ${reasonOf(error)}`;
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!;
}
