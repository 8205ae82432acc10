import { describe, entryOf, plain, type MapNode, type Node, type Reader } from '../../yaml/node.ts';
import { didYouMean } from '../../values/suggest.ts';

export const LEVELS = ['informational', 'low', 'medium', 'high', 'critical'] as const;
export type Level = (typeof LEVELS)[number];

const STATUSES = ['stable', 'test', 'experimental', 'deprecated', 'unsupported'] as const;
export type Status = (typeof STATUSES)[number];

const RELATIONS = ['derived', 'obsolete', 'merged', 'renamed', 'similar'] as const;
interface Related {
  readonly id: string;
  readonly type: (typeof RELATIONS)[number];
}

/** What a rule, a correlation and a global filter say about themselves (specification, "Components"). */
export interface Metadata {
  readonly title: string;
  readonly id?: string;
  readonly name?: string;
  readonly status?: Status;
  readonly level?: Level;
  readonly author?: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly related: readonly Related[];
  /** Every other key of the document, as it stands there. */
  readonly custom: ReadonlyMap<string, unknown>;
}

const KNOWN = [
  'title',
  'id',
  'name',
  'related',
  'taxonomy',
  'status',
  'description',
  'license',
  'references',
  'author',
  'date',
  'modified',
  'logsource',
  'detection',
  'correlation',
  'filter',
  'fields',
  'falsepositives',
  'level',
  'tags',
  'scope',
  'tests',
];
/** Keys this reader gives a meaning, so not `custom`. */
const READ = new Set([
  'title',
  'id',
  'name',
  'related',
  'status',
  'description',
  'author',
  'level',
  'tags',
  'logsource',
  'detection',
  'correlation',
  'filter',
  'tests',
  'taxonomy',
]);

export function readMetadata(reader: Reader, node: MapNode): Metadata {
  const title = text(reader, node, 'title');
  if (title === undefined) reader.problem(node, 'the title is missing');
  else if (title.length > 256) reader.warning(entryOf(node, 'title')!, 'the title is longer than 256 characters');
  const taxonomy = text(reader, node, 'taxonomy');
  if (taxonomy !== undefined && taxonomy !== 'sigma') {
    reader.problem(entryOf(node, 'taxonomy')!, `the taxonomy "${taxonomy}" is not known; only "sigma" is`);
  }
  const custom = new Map<string, unknown>();
  for (const { key, value } of node.entries) {
    if (!READ.has(key)) custom.set(key, plain(value));
    if (KNOWN.includes(key)) continue;
    // Own keys are Sigma; a key that is one letter off is more likely a mistake.
    const meant = didYouMean(key, KNOWN);
    if (meant !== '' && key.length > 4) reader.warning(value, `unknown key "${key}"${meant}`);
  }
  return {
    title: title ?? '',
    ...optional('id', text(reader, node, 'id')),
    ...optional('name', text(reader, node, 'name')),
    ...optional('status', word(reader, node, 'status', STATUSES)),
    ...optional('level', word(reader, node, 'level', LEVELS)),
    ...optional('author', text(reader, node, 'author')),
    ...optional('description', text(reader, node, 'description')),
    tags: texts(reader, node, 'tags'),
    related: related(reader, node),
    custom,
  };
}

export function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}

export function text(reader: Reader, node: MapNode, key: string): string | undefined {
  const value = entryOf(node, key);
  if (value === undefined) return undefined;
  if (value.kind === 'scalar' && value.value !== null) return value.text;
  reader.problem(value, `expected text, found ${describe(value)}`);
  return undefined;
}

function word<T extends string>(reader: Reader, node: MapNode, key: string, allowed: readonly T[]): T | undefined {
  const found = text(reader, node, key);
  if (found === undefined) return undefined;
  const known = allowed.find((a) => a === found);
  if (known === undefined)
    reader.problem(
      entryOf(node, key)!,
      `expected one of ${allowed.join(', ')}, found "${found}"${didYouMean(found, allowed)}`,
    );
  return known;
}

/** A list of texts, or one text alone. */
export function texts(reader: Reader, node: MapNode, key: string): string[] {
  const value = entryOf(node, key);
  if (value === undefined) return [];
  return (value.kind === 'list' ? value.items : [value]).flatMap((item: Node) => {
    if (item.kind === 'scalar' && item.value !== null) return [item.text];
    reader.problem(item, `expected text, found ${describe(item)}`);
    return [];
  });
}

function related(reader: Reader, node: MapNode): Related[] {
  const value = entryOf(node, 'related');
  if (value === undefined) return [];
  if (value.kind !== 'list') {
    reader.problem(value, `expected a list of {id, type}, found ${describe(value)}`);
    return [];
  }
  return value.items.flatMap((item) => {
    if (item.kind !== 'map') {
      reader.problem(item, `expected {id, type}, found ${describe(item)}`);
      return [];
    }
    const id = text(reader, item, 'id');
    const type = word(reader, item, 'type', RELATIONS);
    if (id === undefined) reader.problem(item, 'the id is missing');
    if (type === undefined && entryOf(item, 'type') === undefined) reader.problem(item, 'the type is missing');
    return id === undefined || type === undefined ? [] : [{ id, type }];
  });
}
