import type { Placeholders } from '../value/placeholders.ts';
import type { Expression } from '../value/test.ts';
import { checkCounts, readCorrelation, type Correlation } from './correlation.ts';
import { readDetection } from './detection.ts';
import { readGlobalFilter, type GlobalFilter } from './global-filter.ts';
import { readLogsource, type Logsource } from './logsource.ts';
import { actionOf, collectionOf, isRule, readHead, type Head } from './head.ts';
import { optional, readMetadata, type Metadata } from './metadata.ts';
import { reasonOf } from '../../errors.ts';
import { entryOf, Reader, type MapNode, type Node, type Source } from '../../yaml/node.ts';
import type { Problem } from '../../problem.ts';
import { MAX_SET_TESTS, sizeOf, type Room } from './room.ts';
import { readRuleTests, type RuleTests } from './rule-tests.ts';
import { readYaml } from '../../yaml/read.ts';

interface Document extends Metadata {
  readonly file: string;
  /** Where the document begins, for messages about the whole of it. */
  readonly line: number;
  readonly tests?: RuleTests;
}

export interface DetectionDocument extends Document {
  readonly kind: 'rule';
  readonly logsource: Logsource;
  readonly expression: Expression;
}

export interface CorrelationDocument extends Document {
  readonly kind: 'correlation';
  readonly correlation: Correlation;
}

export interface FilterDocument extends Document {
  readonly kind: 'filter';
  readonly logsource: Logsource;
  readonly filter: GlobalFilter;
}

export type RuleDocument = DetectionDocument | CorrelationDocument | FilterDocument;

/** A document that is not judged: it is for other machines, retired, or no rule at all. */
export interface SkippedDocument {
  readonly kind: 'skipped';
  readonly file: string;
  readonly line: number;
  readonly title: string;
  readonly id?: string;
  readonly name?: string;
  readonly logsource?: Logsource;
  readonly reason: string;
  /** Skipped for its status. */
  readonly isRetired: boolean;
  /** Skipped because it is about events of another log source, and this one it is. */
  readonly foreign?: Logsource;
}

export type SkipReason = Pick<SkippedDocument, 'reason' | 'isRetired' | 'foreign'>;

export interface ReadResult {
  /** In the order of the file. */
  readonly documents: readonly (RuleDocument | SkippedDocument)[];
  /** Documents that are left out, with every reason of each. */
  readonly refused: readonly Refused[];
  /** Oddities that are still clear; the rule is loaded. */
  readonly warnings: readonly Problem[];
}

export interface Refused {
  readonly file: string;
  /** Title or id, where the document got that far. */
  readonly title: string;
  readonly problems: readonly Problem[];
}

export interface ReadOptions {
  /** Values of `%name%`. */
  readonly placeholders: Placeholders;
  /** For the tests of all rules. */
  readonly room: Room;
  /** Why a document is of no concern here; undefined for one that is. */
  readonly reasonToSkip: (head: Head) => SkipReason | undefined;
}

/**
 * Reads the rules, correlations and global filters of one file. Never throws for its content: whatever goes wrong with a
 * document is its refusal.
 */
export function readRules(file: string, text: string, options: ReadOptions): ReadResult {
  const { source, documents, problems } = readYaml(file, text);
  const read: (RuleDocument | SkippedDocument)[] = [];
  const refused: Refused[] = problems.map((problem) => ({ file, title: '', problems: [problem] }));
  const warnings: Problem[] = [];
  const collection = collectionOf(documents);
  if (collection !== undefined) {
    const skipped = skipCollection(documents, collection, source, options);
    if (skipped === undefined) refused.push(refuseCollection(collection, source));
    else for (const one of skipped) read.push(one);
    return { documents: read, refused, warnings };
  }
  for (const node of documents) {
    const skipped = skip(node, source, options);
    if (skipped !== undefined) {
      read.push(skipped);
      continue;
    }
    const reader = new Reader(source);
    const document = readSafely(reader, node as MapNode, source, options.placeholders);
    for (const warning of reader.warnings) warnings.push(warning);
    if (document !== undefined && !options.room.take(sizeOfDocument(document)))
      reader.problem(node, `all rules up to here have more than ${MAX_SET_TESTS} tests; use fewer, or smaller ones`);
    if (document !== undefined && reader.problems.length === 0) read.push(document);
    else refused.push({ file, title: titleOf(node), problems: reader.problems });
  }
  return { documents: read, refused, warnings };
}

function sizeOfDocument(document: RuleDocument): number {
  if (document.kind === 'rule') return sizeOf(document.expression);
  return document.kind === 'filter' ? sizeOf(document.filter.expression) : 1;
}

function skip(
  node: Node,
  source: Source,
  { reasonToSkip }: ReadOptions,
  shared?: MapNode,
): SkippedDocument | undefined {
  const place = { kind: 'skipped', file: source.file, line: lineOf(node, source) } as const;
  if (!isRule(node) && shared === undefined) return { ...place, title: '', reason: 'it is no rule', isRetired: false };
  const head = readHead(node as MapNode, shared);
  const reason = reasonToSkip(head);
  if (reason === undefined) return undefined;
  const { title, id, name, logsource } = head;
  return {
    ...place,
    title,
    ...reason,
    ...optional('id', id),
    ...optional('name', name),
    ...optional('logsource', logsource),
  };
}

/** The documents of a collection, when none of them is of concern here; else undefined. */
function skipCollection(
  documents: readonly Node[],
  collection: MapNode,
  source: Source,
  options: ReadOptions,
): SkippedDocument[] | undefined {
  const own = documents.filter((node): node is MapNode => node.kind === 'map' && actionOf(node) === undefined);
  const skipped = (own.length === 0 ? [collection] : own).map((node) => skip(node, source, options, collection));
  return skipped.includes(undefined) ? undefined : (skipped as SkippedDocument[]);
}

function refuseCollection(node: MapNode, source: Source): Refused {
  const reader = new Reader(source);
  const message = `"action: ${actionOf(node)}" makes a collection, in which rules share keys; that is Sigma 1 and not read: write each rule of the file whole`;
  reader.problem(entryOf(node, 'action')!, message);
  return { file: source.file, title: titleOf(node), problems: reader.problems };
}

/** A defect of ours that one document shows must not keep others from loading. */
function readSafely(
  reader: Reader,
  node: MapNode,
  source: Source,
  placeholders: Placeholders,
): RuleDocument | undefined {
  try {
    return readDocument(reader, node, source, placeholders);
  } catch (error) {
    reader.problem(node, `cannot be read: ${reasonOf(error)}`);
    return undefined;
  }
}

function readDocument(
  reader: Reader,
  node: MapNode,
  source: Source,
  placeholders: Placeholders,
): RuleDocument | undefined {
  const { kind } = readHead(node);
  const tests = readRuleTests(reader, entryOf(node, 'tests'));
  const common = {
    ...readMetadata(reader, node),
    file: source.file,
    line: lineOf(node, source),
    ...(tests === undefined ? {} : { tests }),
  };
  if (kind === 'correlation') {
    const correlationNode = entryOf(node, 'correlation')!;
    const correlation = readCorrelation(reader, correlationNode);
    if (correlation === undefined) return undefined;
    checkCounts(reader, entryOf(correlationNode as MapNode, 'condition') ?? correlationNode, correlation);
    return { kind, ...common, correlation };
  }
  const logsource = readLogsource(reader, node);
  if (kind === 'filter') {
    const filter = readGlobalFilter(reader, entryOf(node, 'filter')!, placeholders);
    return filter === undefined ? undefined : { kind, ...common, logsource, filter };
  }
  for (const key of ['correlation', 'filter']) {
    const foreign = entryOf(node, key);
    if (foreign !== undefined)
      reader.warning(foreign, `not read: the document has a detection, so it is a rule and no ${key}`);
  }
  const expression = readDetection(reader, entryOf(node, 'detection'), node, placeholders);
  return expression === undefined ? undefined : { kind, ...common, logsource, expression };
}

const lineOf = ({ offset }: Node, source: Source): number => (offset < 0 ? 0 : source.place(offset).line);

function titleOf(node: Node): string {
  if (node.kind !== 'map') return '';
  const named = entryOf(node, 'title') ?? entryOf(node, 'id');
  return named?.kind === 'scalar' ? named.text : '';
}
