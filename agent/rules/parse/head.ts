import { entryOf, type MapNode, type Node } from '../../yaml/node.ts';
import { KNOWN_KEYS } from './metadata.ts';
import type { Logsource } from './logsource.ts';

/** The keys that decide whether a document applies here, read before the rest is checked. */
export interface Head {
  readonly kind: 'rule' | 'correlation' | 'filter';
  readonly title: string;
  readonly id?: string;
  readonly name?: string;
  readonly status?: string;
  /** Absent where it is missing or malformed. */
  readonly logsource?: Logsource;
}

/** @param shared the document of a collection (`action: global`) that has the keys which this one lacks */
export function readHead(node: MapNode, shared?: MapNode): Head {
  const entry = (key: string): Node | undefined =>
    entryOf(node, key) ?? (shared === undefined ? undefined : entryOf(shared, key));
  const word = <K extends string>(key: K) => textEntry(key, entry(key));
  const source = entry('logsource');
  return {
    kind: kindOf(node),
    title: word('title').title ?? '',
    ...word('id'),
    ...word('name'),
    ...word('status'),
    ...(source?.kind === 'map'
      ? {
          logsource: {
            ...textEntry('category', entryOf(source, 'category')),
            ...textEntry('product', entryOf(source, 'product')),
            ...textEntry('service', entryOf(source, 'service')),
          },
        }
      : {}),
  };
}

function textEntry<K extends string>(key: K, node: Node | undefined): { [P in K]?: string } {
  return node?.kind === 'scalar' && node.value !== null ? ({ [key]: node.text } as { [P in K]?: string }) : {};
}

/** A document with a detection is a rule; in one, `correlation` and `filter` are keys of somebody else. */
function kindOf(node: MapNode): Head['kind'] {
  if (entryOf(node, 'detection') !== undefined) return 'rule';
  if (entryOf(node, 'correlation') !== undefined) return 'correlation';
  return entryOf(node, 'filter') === undefined ? 'rule' : 'filter';
}

/**
 * Whether a document means to be a rule: it has a section that only Sigma has, or a title and nothing that Sigma lacks.
 * Folders of rules also hold workflows, pipelines and descriptions of tests.
 */
export function isRule(node: Node): node is MapNode {
  if (node.kind !== 'map') return false;
  const has = (key: string): boolean => entryOf(node, key) !== undefined;
  if (has('logsource') || has('detection') || has('correlation') || (has('title') && has('filter'))) return true;
  return has('title') && node.entries.every(({ key }) => KNOWN_KEYS.includes(key));
}

const ACTIONS: ReadonlySet<string> = new Set(['global', 'reset', 'repeat']);

/** The document that makes a file a collection of Sigma 1, in which documents share keys; undefined in any other file. */
export function collectionOf(documents: readonly Node[]): MapNode | undefined {
  return documents.find((node): node is MapNode => actionOf(node) !== undefined);
}

/** `global`, `reset` or `repeat`. */
export function actionOf(node: Node): string | undefined {
  const action = node.kind === 'map' ? entryOf(node, 'action') : undefined;
  return action?.kind === 'scalar' && ACTIONS.has(action.text) ? action.text : undefined;
}
