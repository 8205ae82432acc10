import { hash } from 'node:crypto';
import { reasonOf, systemCode } from '../errors.ts';
import { readBoundedSync } from '../files/read-bounded.ts';
import { findCollisions } from './collisions.ts';
import { explainIssue, KnownKeys } from './explain.ts';
import { findPointless } from './pointless.ts';
import { placesOf } from './places.ts';
import { formatPath, formatProblem, type Problem } from '../problem.ts';
import { readFilters, type Filter } from '../rules/filter.ts';
import type { Placeholders } from '../rules/value/placeholders.ts';
import { entryOf, plain, Reader, type Node, type Source } from '../yaml/node.ts';
import { Places } from '../yaml/places.ts';
import { readYaml } from '../yaml/read.ts';
import { textOf } from '../yaml/text.ts';
import { configSchema, type Config } from './schema.ts';

/** The configuration file's path in the packages. */
export const DEFAULT_CONFIG_FILE = placesOf(process.platform).config;

/** The largest configuration file that is read, in bytes. */
export const MAX_CONFIG_BYTES = 1024 * 1024;

/** Problems that are told one by one; more are counted. */
export const MAX_PROBLEMS = 100;

export interface LoadedConfig {
  ok: true;
  config: Config;
  /** SHA-256 of the file, as sha256sum prints it. */
  sha256: string;
  /** Locates a path of the configuration in the file, for problems found later. */
  placeOf: (path: readonly PropertyKey[]) => Omit<Problem, 'message'>;
}

export type LoadResult = LoadedConfig | { ok: false; problems: Problem[] };

/** Reads and checks a configuration file. Never throws: `problems` holds everything wrong with it. */
export function loadConfig(file: string): LoadResult {
  let text: string;
  let bytes: Buffer;
  try {
    bytes = readBoundedSync(file, { maxBytes: MAX_CONFIG_BYTES });
    text = textOf(bytes);
  } catch (error) {
    return refuse([{ file, line: 1, column: 1, path: '', message: unreadable(error) }]);
  }
  return parseConfig(text, file, bytes);
}

/** The same for text already read; `file` only appears in problems. */
export function parseConfig(text: string, file: string, bytes: string | Buffer = text): LoadResult {
  const { source, documents, problems } = readYaml(file, text);
  if (problems.length > 0) return refuse(problems);
  const [document, second] = documents;
  if (second !== undefined) {
    const message = 'another document begins here; a configuration is a single document: remove the "---" before it';
    return refuse([{ file, ...source.place(second.offset), path: '', message }]);
  }
  if (document === undefined)
    return refuse([{ file, line: 1, column: 1, path: '', message: 'the file is empty; it needs at least "outputs"' }]);
  return checkDocument(document, source, hash('sha256', bytes));
}

function checkDocument(document: Node, source: Source, sha256: string): LoadResult {
  const { file } = source;
  const places = new Places(document, source);
  const data = plain(document);
  const known = new KnownKeys();
  const result = configSchema.safeParse(data, { reportInput: true, error: known.errorMap });
  const placeOf = (path: readonly PropertyKey[]) => ({ file, ...places.ofValue(path), path: formatPath(path) });
  const collisions = [...findCollisions(data), ...findPointless(data)].map(({ path, message }) => ({
    ...placeOf(path),
    message,
  }));
  const { filters, problems: wrongFilters } = filtersIn(document, source, data);
  const problems = [...wrongFilters, ...droppedKeys(document, source)];
  if (result.success && collisions.length === 0 && problems.length === 0)
    return { ok: true, config: { ...result.data, filters }, sha256, placeOf };
  const issues = result.success ? [] : result.error.issues.flatMap((issue) => explainIssue(issue, known, places));
  return refuse([...issues.map((issue) => ({ file, ...issue })), ...collisions, ...problems]);
}

/** zod passes over `__proto__` where a map may have any key. In filters it is a name like others. */
function droppedKeys(node: Node, source: Source): Problem[] {
  if (node.kind === 'scalar') return [];
  if (node.kind === 'list') return node.items.flatMap((item) => droppedKeys(item, source));
  return node.entries.flatMap(({ key, keyOffset, value }) => {
    if (value.path === 'filters') return [];
    if (key !== '__proto__') return droppedKeys(value, source);
    return [{ file: source.file, ...source.place(keyOffset), path: value.path, message: 'unknown key' }];
  });
}

/** @param data the configuration as plain values, not yet validated; the source of the placeholders */
function filtersIn(
  document: Node,
  source: Source,
  data: unknown,
): { filters: readonly Filter[]; problems: readonly Problem[] } {
  const node = document.kind === 'map' ? entryOf(document, 'filters') : undefined;
  if (node === undefined) return { filters: [], problems: [] };
  const reader = new Reader(source);
  const filters = readFilters(reader, node, placeholdersOf(data));
  return { filters: filters ?? [], problems: reader.problems };
}

/** Returns the usable part of `rules.placeholders`; validation of the configuration reports the rest. */
function placeholdersOf(data: unknown): Placeholders {
  const { placeholders } = (data as { rules?: { placeholders?: unknown } | null } | null)?.rules ?? {};
  if (typeof placeholders !== 'object' || placeholders === null) return new Map();
  return new Map(
    Object.entries(placeholders).filter(
      (entry): entry is [string, string[]] =>
        Array.isArray(entry[1]) && entry[1].every((value) => typeof value === 'string'),
    ),
  );
}

/**
 * A value that breaks two bounds at once, as 1e99 does where a whole number is expected, is one problem. The first are told, and how
 * many more there are: all of them go into one line of the log.
 */
function refuse(all: readonly Problem[]): LoadResult {
  const different = [...new Map(all.map((problem) => [formatProblem(problem), problem])).values()];
  const problems = different.toSorted((a, b) => a.line - b.line || a.column - b.column);
  const next = problems[MAX_PROBLEMS];
  if (next === undefined) return { ok: false, problems };
  const rest = problems.length - MAX_PROBLEMS;
  const message = `${rest} more ${rest === 1 ? 'problem begins' : 'problems begin'} here; mend those before, then check again`;
  return { ok: false, problems: [...problems.slice(0, MAX_PROBLEMS), { ...next, path: '', message }] };
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
