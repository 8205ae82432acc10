import { cutTo, widthOf } from '../terminal/columns.ts';
import type { Paint } from '../terminal/paint.ts';
import type { ExplainedCorrelation, ExplainedCount } from '../rules/explain/correlation.ts';
import type { Explained, FieldValue, Held } from '../rules/explain/explained.ts';
import { neutralise } from '../terminal-text.ts';

export interface TreeOptions {
  /** Columns of the terminal: values of the event are cut to fit. What rules say is never cut. */
  readonly columns: number;
  readonly isUtf8: boolean;
  readonly paint: Paint;
}

/** The signs of a tree. */
interface Signs {
  readonly held: string;
  readonly failed: string;
  readonly branch: string;
  readonly last: string;
  readonly trunk: string;
  readonly arrow: string;
}

const UTF8: Signs = { held: '✓', failed: '✗', branch: '├─ ', last: '└─ ', trunk: '│  ', arrow: '←' };
const ASCII: Signs = { held: '+', failed: '-', branch: '|- ', last: '\\- ', trunk: '|  ', arrow: '<-' };
const signsOf = ({ isUtf8 }: Pick<TreeOptions, 'isUtf8'>): Signs => (isUtf8 ? UTF8 : ASCII);

/** Values of one item, or rules of one correlation, that are shown; of the others, their number. */
const MAX_SHOWN = 8;

/** Columns that a value of the event gets, however little room there is. */
const LEAST_VALUE_WIDTH = 16;

/** An explanation as a tree, one string a line: each part with a mark that says whether it held. */
export function treeOf(explained: Explained, options: TreeOptions): string[] {
  return linesOf(explained, '', '', options);
}

/** The effect of an event on a correlation: the rules below it that matched, then the contents of its window. */
export function correlationTextOf({ rules, counts }: ExplainedCorrelation, options: TreeOptions): string[] {
  const matched = rules.filter((rule) => rule.matched);
  const others = rules.length - matched.length;
  return [
    ...matched.map(({ title }) => `${markOf(true, options)} ${neutralise(title)}`),
    ...(others === 0 ? [] : [options.paint('dim', `  ${countOf(others, 'other rule')} did not match`)]),
    ...counts.map((count) => `${markOf(count.met, options)} ${countText(count)}`),
  ];
}

function countText({ title, group = {}, measure, condition, timespan_ms: span, lacks }: ExplainedCount): string {
  const groups = Object.entries(group).map(([name, value]) => `${name} ${quoted(value)}`);
  const where = groups.length === 0 ? '' : `, ${groups.join(', ')}`;
  const what =
    lacks === undefined
      ? `${measure} within ${span / 1000} s, needs ${inWords(condition)}`
      : `not counted, since the event has no ${lacks.join(', ')} that can be`;
  return neutralise(`${title}${where}: ${what}`);
}

/** An event's command line, cut to a line. */
export function cutCommand(command: string, { columns }: TreeOptions): string {
  return `  ${cutTo(neutralise(command), columns - 2)}`;
}

const OPERATORS: ReadonlyArray<readonly [operator: string, words: string]> = [
  ['gte', 'at least'],
  ['gt', 'more than'],
  ['lte', 'at most'],
  ['lt', 'fewer than'],
  ['neq', 'any number except'],
  ['eq', 'exactly'],
];

/** `gte 6` as `at least 6`. */
const inWords = (condition: string): string =>
  OPERATORS.reduce(
    (text, [operator, words]) => text.replaceAll(new RegExp(`\\b${operator}\\b`, 'gu'), words),
    condition,
  );

function linesOf(whole: Explained, first: string, rest: string, options: TreeOptions): string[] {
  const { columns, paint } = options;
  const signs = signsOf(options);
  const explained = isNamedTwice(whole) ? whole.parts![0]! : whole;
  const values = explained.part === 'item' ? valuesOf(explained) : [];
  const [only] = values;
  const isOne = values.length === 1;
  const label = `${labelOf(explained)}${isOne && only !== undefined ? `: ${quoted(only.value)}` : ''}`;
  const start = `${first}${markOf(explained.held, options)} ${label}`;
  const asked = [explained.event, ...(isOne ? [only?.event] : [])].filter((event) => event !== undefined);
  const room = columns - widthOf(`${first}  ${label}`);
  const lines =
    asked.length === 0
      ? [start]
      : room < LEAST_VALUE_WIDTH
        ? [start, `${rest}   ${paint('dim', eventText(asked, columns - widthOf(rest) - 3, signs))}`]
        : [`${start} ${paint('dim', eventText(asked, room - 1, signs))}`];
  if (isOne) return lines;
  const shown = explained.part === 'item' ? shownOf(explained, values) : { parts: explained.parts ?? [], more: '' };
  for (const [i, part] of shown.parts.entries()) {
    const isLast = i === shown.parts.length - 1 && shown.more === '';
    lines.push(
      ...linesOf(
        part,
        `${rest}${isLast ? signs.last : signs.branch}`,
        `${rest}${isLast ? '   ' : signs.trunk}`,
        options,
      ),
    );
  }
  if (shown.more !== '') lines.push(`${rest}${signs.last}${paint('dim', shown.more)}`);
  return lines;
}

/** Whether a condition is nothing but one search or selector: `condition: selection`. */
const isNamedTwice = ({ link, text, parts }: Explained): boolean =>
  link === undefined && text !== undefined && parts?.[0]?.text === text;

function labelOf({ part, text = '', value, link, parts = [] }: Explained): string {
  switch (part) {
    case 'value':
      return quoted(value);
    case 'group':
      return link === 'not' ? 'not' : `${link ?? 'all'} of`;
    case 'filter':
      return `global filter: ${neutralise(text)}`;
    case 'item':
      return text === '' ? 'keyword' : neutralise(text);
    case 'condition':
    case 'of':
    case 'search':
      // A list of maps says nowhere else that one of them is enough.
      return neutralise(text) + (part === 'search' && link === 'any' && parts.length > 1 ? ' (any of)' : '');
  }
}

/** The values of an item. Under `neq` they stand in a `not`. */
function valuesOf({ link, parts = [] }: Explained): readonly Explained[] {
  const [only] = parts;
  return link === 'not' && only?.part === 'group' ? (only.parts ?? []) : parts;
}

/** Of many values, those that decide: one that held is enough, and under `all` one that did not. */
function shownOf(
  { text = '' }: Explained,
  values: readonly Explained[],
): { readonly parts: readonly Explained[]; readonly more: string } {
  if (values.length <= MAX_SHOWN) return { parts: values, more: '' };
  const needsAll = text.split('|').includes('all');
  const decides = ({ held }: Explained): boolean => (needsAll ? held !== true : held !== false);
  const deciding = values.filter(decides);
  const parts = (deciding.length > 0 ? deciding : values).slice(0, MAX_SHOWN - 1);
  const left = values.filter((value) => !parts.includes(value));
  const same = left.filter((value) => value.held === left[0]?.held).length === left.length;
  const how = !same ? 'others' : left[0]?.held === true ? 'others that held' : 'others that did not hold';
  return { parts, more: `${left.length} ${how}` };
}

const COLOURS: ReadonlyMap<Held, 'green' | 'red' | 'yellow'> = new Map<Held, 'green' | 'red' | 'yellow'>([
  [true, 'green'],
  [false, 'red'],
  ['maybe', 'yellow'],
]);

/** `✓`, `✗` or, where only a part of the event is known, `?`; in colour. */
export function markOf(held: Held, options: TreeOptions): string {
  const { held: yes, failed } = signsOf(options);
  return options.paint(COLOURS.get(held)!, held === 'maybe' ? '?' : held ? yes : failed);
}

/** The values of the event that an item asks for, in so many columns: one, or two where it compares fields. */
function eventText(events: readonly FieldValue[], columns: number, { arrow }: Signs): string {
  const room = Math.floor(columns / events.length);
  const text = events.map((event) => `${arrow} ${valueText(event, room - arrow.length - 2)}`).join(' ');
  return cutTo(text, Math.max(LEAST_VALUE_WIDTH, columns));
}

function valueText({ field, value, missing, known, length }: FieldValue, columns: number): string {
  if (missing) return `the event has no ${neutralise(field)}`;
  const note = noteOf(known, length, value);
  const text = Array.isArray(value) ? neutralise(JSON.stringify(value)) : quoted(value);
  return cutTo(text, Math.max(LEAST_VALUE_WIDTH, columns - widthOf(note))) + note;
}

function noteOf(known: FieldValue['known'], length: number | undefined, value: unknown): string {
  if (known === 'end') return ' (only its end is known)';
  if (known === 'start') return ' (its end was cut)';
  if (length === undefined) return '';
  return Array.isArray(value) ? ` (of ${length} items)` : ` (of ${length} characters)`;
}

/** A value as a rule would have it: in quotation marks where it would else be invisible, or look like another. */
function quoted(value: unknown): string {
  if (typeof value !== 'string') return String(value);
  const needsMarks = value.trim() !== value || ['', 'null', 'true', 'false'].includes(value);
  return needsMarks ? `'${neutralise(value)}'` : neutralise(value);
}

/** `1 other rule`, `2 other rules`. */
const countOf = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
