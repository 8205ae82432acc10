import { describe, entryOf, plain, type MapNode, type Node, type Reader } from '../../yaml/node.ts';
import { didYouMean } from '../../values/suggest.ts';

export const LEVELS = ['informational', 'low', 'medium', 'high', 'critical'] as const;
export type Level = (typeof LEVELS)[number];

export const STATUSES = ['stable', 'test', 'experimental', 'deprecated', 'unsupported'] as const;
export type Status = (typeof STATUSES)[number];

const RELATIONS = ['derived', 'obsolete', 'merged', 'renamed', 'similar'] as const;
interface Related {
  readonly id: string;
  readonly type: (typeof RELATIONS)[number];
}

/** The metadata of a rule, a correlation or a global filter (specification, "Components"). */
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

/** Keys that the specification, or this reader, gives a meaning. */
export const KNOWN_KEYS: readonly string[] = [
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

/** A fault in any key except title and taxonomy is a warning: a sound detection is used anyway. */
export function readMetadata(reader: Reader, node: MapNode): Metadata {
  const title = text(reader, node, 'title');
  if (title === undefined) reader.problem(node, 'the title is missing');
  else if (title.length > 256) reader.warning(entryOf(node, 'title')!, 'the title is longer than 256 characters');
  const taxonomy = note(reader, node, 'taxonomy');
  if (taxonomy !== undefined && taxonomy !== 'sigma') {
    reader.problem(entryOf(node, 'taxonomy')!, `the taxonomy "${taxonomy}" is not known; only "sigma" is`);
  }
  const custom = new Map<string, unknown>();
  for (const { key, value } of node.entries) {
    if (!READ.has(key)) custom.set(key, plain(value));
    if (KNOWN_KEYS.includes(key)) continue;
    // Own keys are Sigma; a key that is one letter off is more likely a mistake.
    const meant = didYouMean(key, KNOWN_KEYS);
    if (meant !== '' && key.length > 4) reader.warning(value, `unknown key "${key}"${meant}`);
  }
  return {
    title: title ?? '',
    ...optional('id', note(reader, node, 'id')),
    ...optional('name', note(reader, node, 'name')),
    ...optional('status', word(reader, node, 'status', STATUSES)),
    ...optional('level', word(reader, node, 'level', LEVELS)),
    ...optional('author', note(reader, node, 'author')),
    ...optional('description', note(reader, node, 'description')),
    tags: notes(reader, node, 'tags'),
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

/** The same for a key that a rule can do without: a value other than text is ignored with a warning. */
function note(reader: Reader, node: MapNode, key: string): string | undefined {
  const value = entryOf(node, key);
  if (value === undefined) return undefined;
  if (value.kind === 'scalar' && value.value !== null) return value.text;
  reader.warning(value, `expected text, found ${describe(value)}; it is left out`);
  return undefined;
}

function word<T extends string>(reader: Reader, node: MapNode, key: string, allowed: readonly T[]): T | undefined {
  const found = note(reader, node, key);
  if (found === undefined) return undefined;
  const known = allowed.find((a) => a === found);
  if (known === undefined) {
    reader.warning(
      entryOf(node, key)!,
      `expected one of ${allowed.join(', ')}, found "${found}"${didYouMean(found, allowed)}; it is left out`,
    );
  }
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

/** The same for a key that a rule can do without. */
function notes(reader: Reader, node: MapNode, key: string): string[] {
  const value = entryOf(node, key);
  if (value === undefined) return [];
  return (value.kind === 'list' ? value.items : [value]).flatMap((item: Node) => {
    if (item.kind === 'scalar' && item.value !== null) return [item.text];
    reader.warning(item, `expected text, found ${describe(item)}; it is left out`);
    return [];
  });
}

function related(reader: Reader, node: MapNode): Related[] {
  const value = entryOf(node, 'related');
  if (value === undefined) return [];
  if (value.kind !== 'list') {
    reader.warning(value, `expected a list of {id, type}, found ${describe(value)}; it is left out`);
    return [];
  }
  return value.items.flatMap((item) => {
    if (item.kind !== 'map') {
      reader.warning(item, `expected {id, type}, found ${describe(item)}; it is left out`);
      return [];
    }
    const id = note(reader, item, 'id');
    const type = word(reader, item, 'type', RELATIONS);
    if (id === undefined) reader.warning(item, 'the id is missing; it is left out');
    if (type === undefined && entryOf(item, 'type') === undefined)
      reader.warning(item, 'the type is missing; it is left out');
    return id === undefined || type === undefined ? [] : [{ id, type }];
  });
}
