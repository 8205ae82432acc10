import { resolveCorrelations, type CorrelationRule } from './correlate/resolve.ts';
import { doubtfulFields, unmatchedFilters } from './doubts.ts';
import { covers, formatLogsource, type Logsource } from './parse/logsource.ts';
import type { Head } from './parse/head.ts';
import { LEVELS, optional, STATUSES, type Level, type Metadata, type Status } from './parse/metadata.ts';
import { formatProblem, type Problem } from '../problem.ts';
import {
  readRules,
  type CorrelationDocument,
  type DetectionDocument,
  type FilterDocument,
  type Refused,
  type RuleDocument,
  type SkippedDocument,
  type SkipReason,
} from './parse/rule.ts';
import { byName } from './by-name.ts';
import { MAX_SET_TESTS, Room, sizeOf } from './parse/room.ts';
import type { RuleTests } from './parse/rule-tests.ts';
import type { Placeholders } from './value/placeholders.ts';
import { writtenAs, type Expression } from './value/test.ts';

/** One rule file, read by the caller. */
export interface RuleFile {
  /** The name for messages. */
  readonly file: string;
  readonly text: string;
}

export interface LoadOptions {
  /** The events' log source: rules about others are skipped. */
  readonly logsource: Logsource;
  /** Rules below are skipped, unless a correlation uses them: then they only feed it. A rule without a level is kept. */
  readonly minLevel?: Level;
  /** Default: all but `deprecated` and `unsupported`. */
  readonly statuses?: ReadonlySet<Status>;
  /** Values of `%name%` for the `expand` modifier. */
  readonly placeholders?: Placeholders;
}

/** A rule of single events, ready for the engine. */
export interface Rule extends Omit<Metadata, 'id'> {
  /** The rule's id, else its name, else its title. */
  readonly id: string;
  readonly file: string;
  readonly line: number;
  /** With every global filter joined to it. */
  readonly expression: Expression;
  /** False for a rule that only feeds correlations. */
  readonly reports: boolean;
  readonly tests: RuleTests;
}

/** A document that is not in use for another reason than a fault. */
export interface Skipped {
  readonly file: string;
  readonly title: string;
  readonly id?: string;
  readonly reason: string;
  /** Its log source, if it is skipped for that. */
  readonly foreign?: Logsource;
}

export interface RuleSet {
  readonly rules: readonly Rule[];
  readonly correlations: readonly CorrelationRule[];
  readonly filters: number;
  readonly refused: readonly Refused[];
  readonly skipped: readonly Skipped[];
  readonly warnings: readonly Problem[];
}

const USUAL_STATUSES: ReadonlySet<Status> = new Set(['stable', 'test', 'experimental']);

/**
 * Reads rule files into a set. Faulty documents are refused with their
 * reasons and never keep others from loading. Order is the order of files, then of documents.
 */
export function loadRules(files: Iterable<RuleFile>, options: LoadOptions): RuleSet {
  const documents: (RuleDocument | SkippedDocument)[] = [];
  const refused: Refused[] = [];
  const warnings: Problem[] = [];
  const reading = {
    placeholders: options.placeholders ?? new Map(),
    room: new Room(MAX_SET_TESTS),
    reasonToSkip: (head: Head) => reasonToSkip(head, options),
  };
  for (const { file, text } of files) {
    const read = readRules(file, text, reading);
    append(documents, read.documents);
    append(refused, read.refused);
    append(warnings, read.warnings);
  }
  const unique = withoutDuplicates(documents, refused);
  const skipped: Skipped[] = documents
    .filter((d) => d.kind === 'skipped')
    .map(({ file, title, id, reason, foreign }) => ({
      file,
      title,
      reason,
      ...optional('id', id),
      ...optional('foreign', foreign),
    }));
  const fed = namesInCorrelations(unique, options);
  const wanted = unique.filter((document) => {
    const reason = isAnyOf(fed, document) ? undefined : reasonOfLevel(document, options);
    if (reason !== undefined) skipped.push({ file: document.file, title: document.title, reason });
    return reason === undefined;
  });
  const used = withoutObsolete(wanted, skipped);
  const detections = used.filter((d): d is DetectionDocument => d.kind === 'rule');
  const filters = withRoom(
    used.filter((d): d is FilterDocument => d.kind === 'filter'),
    detections,
    reading.room,
    refused,
  );
  const inUse = new Set<RuleDocument | SkippedDocument>(used);
  const unused = new Set(documents.filter((d) => !inUse.has(d)).flatMap((d) => [d.id ?? '', d.name ?? '', d.title]));
  const resolved = resolveCorrelations(
    used.filter((d): d is CorrelationDocument => d.kind === 'correlation'),
    detections,
    unused,
  );
  append(refused, resolved.refused);
  for (const { file, title } of resolved.idle)
    skipped.push({ file, title, reason: 'rules it refers to are not in use' });
  const rules = detections.map((document) =>
    toRule(document, filters, !resolved.silent.has(document) && reasonOfLevel(document, options) === undefined),
  );
  const correlations = resolved.correlations.map((rule) =>
    reasonOfLevel(rule, options) === undefined ? rule : { ...rule, reports: false },
  );
  append(warnings, unmatchedFilters(filters, documents));
  append(warnings, doubtfulFields(used));
  return { rules, correlations, filters: filters.length, refused, skipped, warnings };
}

/** A list can be longer than a call can have arguments. */
function append<T>(list: T[], more: readonly T[]): void {
  for (const one of more) list.push(one);
}

/** A line for the log at start-up. */
export function summarize(set: RuleSet): string {
  const parts = [`${set.rules.length} rules`];
  if (set.correlations.length > 0) parts.push(`${set.correlations.length} correlations`);
  if (set.filters > 0) parts.push(`${set.filters} global filters`);
  parts.push(`${set.refused.length} refused`, `${set.skipped.length} skipped`);
  return parts.join(', ');
}

/** Every reason of every refused document, one line each. */
export function formatRefused(refused: readonly Refused[]): string[] {
  return refused.flatMap(({ problems }) => problems.map(formatProblem));
}

/** Returns the name by which others refer to a document. */
function identityOf({ id, name, title }: Pick<Metadata, 'id' | 'name' | 'title'>): string {
  return id ?? name ?? title;
}

/**
 * The documents in use, without those whose name another has. One that is retired by its status keeps its name: so a copy
 * of a rule with another status switches the rule off.
 */
function withoutDuplicates(documents: readonly (RuleDocument | SkippedDocument)[], refused: Refused[]): RuleDocument[] {
  const first = new Map<string, RuleDocument | SkippedDocument>();
  return documents.filter((document): document is RuleDocument => {
    if (document.kind === 'skipped' && !document.isRetired) return false;
    const names = new Set([identityOf(document), ...(document.name === undefined ? [] : [document.name])]);
    for (const name of names) {
      const other = first.get(name);
      if (other === undefined || document.kind === 'skipped') continue;
      const { file, line, title } = document;
      const path = document.id === name ? 'id' : document.name === name ? 'name' : 'title';
      const remedy = path === 'title' ? '; give each an id' : '';
      const message = `"${name}" already belongs to "${other.title}" (${other.file}:${other.line})${remedy}`;
      refused.push({ file, title, problems: [{ file, line, column: 1, path, message }] });
      return false;
    }
    for (const name of names) if (!first.has(name)) first.set(name, document);
    return document.kind !== 'skipped';
  });
}

/** Runs before a document is checked: mistakes in rules for other machines do not matter here. */
function reasonToSkip(
  { kind, status, logsource: own }: Head,
  { logsource, statuses = USUAL_STATUSES }: LoadOptions,
): SkipReason | undefined {
  const known = STATUSES.find((each) => each === status);
  if (known !== undefined && !statuses.has(known)) return { reason: `its status is ${known}`, isRetired: true };
  if (kind !== 'correlation' && own !== undefined && !covers(own, logsource))
    return {
      reason: `its log source is ${formatLogsource(own)}, not ${formatLogsource(logsource)}`,
      isRetired: false,
      foreign: own,
    };
  return undefined;
}

function reasonOfLevel({ level }: Pick<Metadata, 'level'>, { minLevel }: LoadOptions): string | undefined {
  const isBelow = minLevel !== undefined && level !== undefined && LEVELS.indexOf(level) < LEVELS.indexOf(minLevel);
  return isBelow ? `its level is ${level}, below ${minLevel}` : undefined;
}

/** Names that correlations refer to. These rules are needed at any level, but then do not report themselves. */
function namesInCorrelations(documents: readonly RuleDocument[], options: LoadOptions): ReadonlySet<string> {
  const inUse = documents.filter((d): d is CorrelationDocument => d.kind === 'correlation');
  const named = byName(inUse, namesOf);
  const names = new Set<string>();
  for (const { correlation } of inUse.filter((document) => reasonOfLevel(document, options) === undefined))
    for (const name of correlation.rules) names.add(name);
  // A set that grows while it is gone through reaches what was added: a correlation can use others.
  for (const name of names)
    for (const { correlation } of named.get(name) ?? []) for (const used of correlation.rules) names.add(used);
  return names;
}

function isAnyOf(names: ReadonlySet<string>, document: Metadata): boolean {
  return namesOf(document).some((own) => names.has(own));
}

const namesOf = ({ id, name, title }: Metadata): string[] =>
  [id, name, title].filter((own): own is string => own !== undefined);

/** "The rule obsoletes the referred rule or rules, which aren't used anymore" (specification, "Identification"). */
function withoutObsolete(documents: readonly RuleDocument[], skipped: Skipped[]): RuleDocument[] {
  const obsolete = new Map<string, RuleDocument>();
  for (const document of documents) {
    for (const { id, type } of document.related)
      if (type === 'obsolete' && id !== document.id) obsolete.set(id, document);
  }
  return documents.filter((document) => {
    const by = obsolete.get(document.id ?? '');
    if (by !== undefined)
      skipped.push({ file: document.file, title: document.title, reason: `obsoleted by "${by.title}"` });
    return by === undefined;
  });
}

function toRule(document: DetectionDocument, filters: readonly FilterDocument[], reports: boolean): Rule {
  const { kind: _kind, logsource: _logsource, tests = [], ...rest } = document;
  const own = filters
    .filter((filter) => applies(filter, document))
    .map(({ title, filter }) => writtenAs({ part: 'filter', text: title }, filter.expression));
  const expression: Expression =
    own.length === 0 ? document.expression : { op: 'and', args: [document.expression, ...own] };
  return { ...rest, id: identityOf(document), expression, reports, tests };
}

/** The global filters that have room in all the rules that they are joined to. */
function withRoom(
  filters: readonly FilterDocument[],
  rules: readonly DetectionDocument[],
  room: Room,
  refused: Refused[],
): FilterDocument[] {
  return filters.filter((filter) => {
    const joined = rules.filter((rule) => applies(filter, rule)).length;
    const isGood = room.take(joined * sizeOf(filter.filter.expression));
    const { file, line, title } = filter;
    const message = `joined to ${joined} rules, it brings all rules beyond ${MAX_SET_TESTS} tests; name fewer rules`;
    if (!isGood) refused.push({ file, title, problems: [{ file, line, column: 1, path: 'filter', message }] });
    return isGood;
  });
}

function applies({ filter: { rules }, logsource }: FilterDocument, rule: DetectionDocument): boolean {
  return (
    covers(logsource, rule.logsource) &&
    (rules === 'any' || rules.some((name) => name === rule.id || name === rule.name))
  );
}
