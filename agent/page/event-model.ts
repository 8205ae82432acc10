import type { Explained, FieldValue } from '../rules/explain/explained.ts';
import { neutralise } from '../terminal-text.ts';

/** The most text of an event that the page keeps and shows, in UTF-16 units. A command line can have megabytes. */
export const MAX_COMMAND = 4000;

/** The most text on one line. */
export const MAX_LINE = 400;

const MAX_TEXT = 400;
const MAX_ARGUMENTS = 40;
const MAX_ANCESTORS = 20;
const MAX_RULES = 20;
const MAX_REASONS = 12;

/** A process as others refer to it. */
export interface ProcessRef {
  readonly pid: number;
  readonly startTime: number | undefined;
  readonly exe: string | undefined;
  readonly command: string | undefined;
}

interface RuleHit {
  readonly id: string;
  readonly title: string;
  readonly level: string;
  readonly tags: readonly string[];
  /** Of a correlation: what was counted, and for which values. */
  readonly measure: string | undefined;
  /** The parts of its condition that held, with the values of the event. */
  readonly reasons: readonly string[];
}

/** The facts of an exec, an exec that failed, or an exit that the page keeps: of bounded size, and safe to show. */
export interface ShownEvent extends ProcessRef {
  readonly command: string;
  readonly type: string;
  readonly seq: number | undefined;
  readonly time: string;
  readonly ppid: number | undefined;
  readonly user: string;
  readonly line: string;
  readonly notes: readonly string[];
  readonly cwd: string | undefined;
  readonly container: string | undefined;
  readonly argv: readonly string[];
  readonly parent: ProcessRef | undefined;
  readonly ancestors: readonly ProcessRef[];
  readonly rules: readonly RuleHit[];
}

export interface ShownGap {
  readonly count: number;
  readonly first: number;
  readonly last: number;
  readonly hop: string;
  readonly cause: string;
  readonly time: string;
}

/** A line of /v1/events, read. */
export type ShownLine =
  | { readonly kind: 'event'; readonly event: ShownEvent }
  | { readonly kind: 'gap'; readonly gap: ShownGap }
  | { readonly kind: 'missed'; readonly count: number; readonly cause: string }
  | { readonly kind: 'other' };

type Fields = Readonly<Record<string, unknown>>;

/** Reads a line. Everything in it was chosen by somebody else, so every field is checked, cut and neutralised. */
export function readLine(text: string): ShownLine {
  let fields: Fields;
  try {
    const value: unknown = JSON.parse(text);
    if (!isFields(value)) return { kind: 'other' };
    fields = value;
  } catch {
    // A line of the agent is JSON; anything else is not for this page.
    return { kind: 'other' };
  }
  switch (fields['type']) {
    case 'exec':
    case 'exec_failed':
      return { kind: 'event', event: eventOf(fields) };
    case 'gap':
      return { kind: 'gap', gap: gapOf(fields) };
    case 'missed':
      return { kind: 'missed', count: numberOf(fields['count']) ?? 0, cause: textOf(fields['cause']) ?? '' };
    default:
      return { kind: 'other' };
  }
}

/** @param fields of a gap, as /v1/gaps has it too */
export function gapOf(fields: Fields): ShownGap {
  return {
    count: numberOf(fields['count']) ?? 0,
    first: numberOf(fields['first']) ?? 0,
    last: numberOf(fields['last']) ?? 0,
    hop: textOf(fields['hop']) ?? '?',
    cause: textOf(fields['cause']) ?? '?',
    time: textOf(fields['time']) ?? '',
  };
}

function eventOf(fields: Fields): ShownEvent {
  const command = safe(fields['command'], MAX_COMMAND) ?? '';
  const { uid, euid, flags, error, argv, rules, ancestors } = fields;
  const notes = [
    ...(typeof error === 'string' ? [error] : []),
    ...(Array.isArray(flags) ? flags.slice(0, 8) : []),
    ...(euid !== undefined && euid !== uid ? [`euid ${String(euid)}`] : []),
    ...(fields['argv_truncated'] === true ? ['truncated'] : []),
    ...(fields['source'] === 'snapshot' ? ['was running'] : []),
  ];
  return {
    ...refOf(fields),
    type: textOf(fields['type']) ?? '',
    seq: numberOf(fields['seq']),
    time: textOf(fields['time']) ?? '',
    ppid: numberOf(fields['ppid']),
    user: uid === 0 ? 'root' : typeof uid === 'number' ? `uid ${uid}` : (textOf(fields['user_sid']) ?? '–'),
    command,
    line: command.slice(0, MAX_LINE),
    notes: notes.map((note) => safe(note, 40) ?? '').filter((note) => note !== ''),
    cwd: textOf(fields['cwd']),
    container: textOf(fields['container_id']),
    argv: argumentsOf(argv),
    parent: isFields(fields['parent']) ? refOf(fields['parent']) : undefined,
    ancestors: Array.isArray(ancestors) ? ancestors.filter(isFields).slice(0, MAX_ANCESTORS).map(refOf) : [],
    rules: Array.isArray(rules)
      ? rules
          .filter(isFields)
          .slice(0, MAX_RULES)
          .map((rule) => ruleOf(rule, fields['explanations']))
      : [],
  };
}

const refOf = (fields: Fields): ProcessRef => ({
  pid: numberOf(fields['pid']) ?? 0,
  startTime: numberOf(fields['start_time']),
  exe: textOf(fields['exe']),
  command: safe(fields['command_line'], MAX_LINE),
});

function ruleOf(fields: Fields, explanations: unknown): RuleHit {
  const { tags, measure, group } = fields;
  const values = isFields(group) ? Object.entries(group).map(([name, value]) => `${name} ${String(value)}`) : [];
  const explained = Array.isArray(explanations)
    ? explanations.find((one: unknown) => isFields(one) && one['id'] === fields['id'])
    : undefined;
  return {
    id: textOf(fields['id']) ?? '',
    title: textOf(fields['title']) ?? 'a rule without a title',
    level: textOf(fields['level']) ?? 'high',
    tags: Array.isArray(tags) ? tags.slice(0, 10).map((tag) => textOf(tag) ?? '') : [],
    measure: typeof measure === 'number' ? safe([`${measure} counted`, ...values].join(', '), MAX_TEXT) : undefined,
    reasons: isFields(explained) ? reasonsOf(explained['explanation']) : [],
  };
}

/** Conditions on fields that held, in the order of the rule. What did not hold, and exceptions, do not explain an alert. */
function reasonsOf(explanation: unknown): string[] {
  const reasons: string[] = [];
  const visit = (part: Partial<Explained>): void => {
    if (reasons.length >= MAX_REASONS || part.held === false) return;
    if (part.part === 'item') reasons.push(reasonOf(part));
    else if (part.link !== 'not') part.parts?.forEach(visit);
  };
  if (isFields(explanation)) visit(explanation);
  return reasons;
}

function reasonOf({ text, event, value, parts = [] }: Partial<Explained>): string {
  const wanted = [value, ...parts.filter(({ held }) => held !== false).map((part) => part.value)]
    .filter((one) => one !== undefined)
    .slice(0, 5)
    .map(String);
  const name = text === undefined || text === '' ? 'any field' : text;
  return safe(`${name}: ${wanted.join(', ')}${event === undefined ? '' : ` (is ${valueOf(event)})`}`, MAX_TEXT) ?? '';
}

function valueOf({ value, missing }: FieldValue): string {
  if (missing === true) return 'absent';
  return String(value).slice(0, 120);
}

function argumentsOf(argv: unknown): string[] {
  if (!Array.isArray(argv)) return [];
  const shown = argv.slice(0, MAX_ARGUMENTS).map((argument) => textOf(argument) ?? '');
  return argv.length > MAX_ARGUMENTS ? [...shown, `… and ${argv.length - MAX_ARGUMENTS} more`] : shown;
}

/** Text without controls, invisible characters and stacked marks, at most so long. */
function safe(value: unknown, most: number): string | undefined {
  if (typeof value !== 'string') return undefined;
  // Cut before anything else, so that the work is bounded; well-formed, so that half a pair does not become an escape.
  const shown = neutralise(value.slice(0, most).toWellFormed());
  if (value.length <= most && shown.length <= most) return shown;
  return `${shown.slice(0, most).toWellFormed()}… (${value.length.toLocaleString('en')} characters)`;
}

const textOf = (value: unknown): string | undefined => safe(value, MAX_TEXT);
const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

export const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

const LEVELS = ['critical', 'high', 'medium', 'low', 'informational'];

/** The most severe of some levels; undefined of none. */
export function worst(levels: readonly string[]): string | undefined {
  return LEVELS.find((level) => levels.includes(level)) ?? levels[0];
}
