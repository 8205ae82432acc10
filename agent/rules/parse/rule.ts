import type { Placeholders } from '../value/placeholders.ts';
import type { Expression } from '../value/test.ts';
import { checkCounts, readCorrelation, type Correlation } from './correlation.ts';
import { readDetection } from './detection.ts';
import { readGlobalFilter, type GlobalFilter } from './global-filter.ts';
import { readLogsource, type Logsource } from './logsource.ts';
import { readMetadata, type Metadata } from './metadata.ts';
import { describe, entryOf, Reader, type Node, type Source } from '../../yaml/node.ts';
import type { Problem } from '../../problem.ts';
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

export interface ReadResult {
  readonly documents: readonly RuleDocument[];
  /** Documents that are left out, with every reason of each. */
  readonly refused: readonly Refused[];
  /** What is odd but clear; the rule is loaded. */
  readonly warnings: readonly Problem[];
}

export interface Refused {
  readonly file: string;
  /** Title or id, where the document got that far. */
  readonly title: string;
  readonly problems: readonly Problem[];
}

/** Reads the rules, correlations and global filters of one file. Never throws for its content. */
export function readRules(file: string, text: string, placeholders: Placeholders): ReadResult {
  const { source, documents, problems } = readYaml(file, text);
  const read: RuleDocument[] = [];
  const refused: Refused[] = problems.map((problem) => ({ file, title: '', problems: [problem] }));
  const warnings: Problem[] = [];
  for (const node of documents) {
    const reader = new Reader(source);
    const document = readDocument(reader, node, source, placeholders);
    warnings.push(...reader.warnings);
    if (document !== undefined && reader.problems.length === 0) read.push(document);
    else refused.push({ file, title: titleOf(node), problems: reader.problems });
  }
  return { documents: read, refused, warnings };
}

function readDocument(
  reader: Reader,
  node: Node,
  source: Source,
  placeholders: Placeholders,
): RuleDocument | undefined {
  if (node.kind !== 'map') {
    reader.problem(node, `expected a rule, found ${describe(node)}`);
    return undefined;
  }
  const tests = readRuleTests(reader, entryOf(node, 'tests'));
  const common = {
    ...readMetadata(reader, node),
    file: source.file,
    line: node.offset < 0 ? 0 : source.place(node.offset).line,
    ...(tests === undefined ? {} : { tests }),
  };
  const correlationNode = entryOf(node, 'correlation');
  if (correlationNode !== undefined) {
    const correlation = readCorrelation(reader, correlationNode);
    if (correlation === undefined) return undefined;
    checkCounts(reader, entryOf(correlationNode as never, 'condition') ?? correlationNode, correlation);
    return { kind: 'correlation', ...common, correlation };
  }
  const logsource = readLogsource(reader, node);
  const filterNode = entryOf(node, 'filter');
  if (filterNode !== undefined) {
    const filter = readGlobalFilter(reader, filterNode, placeholders);
    return filter === undefined ? undefined : { kind: 'filter', ...common, logsource, filter };
  }
  const expression = readDetection(reader, entryOf(node, 'detection'), node, placeholders);
  return expression === undefined ? undefined : { kind: 'rule', ...common, logsource, expression };
}

function titleOf(node: Node): string {
  if (node.kind !== 'map') return '';
  const named = entryOf(node, 'title') ?? entryOf(node, 'id');
  return named?.kind === 'scalar' ? named.text : '';
}
