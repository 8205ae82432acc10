import type { GapEvent } from '../../shared/events/gap.ts';
import type { ExecEvent, ExecFailedEvent } from '../../shared/events/exec.ts';
import type { ExitEvent } from '../../shared/events/exit.ts';
import type { ForkEvent } from '../../shared/events/fork.ts';
import type { StreamEvent } from '../events/item.ts';
import type { MatchedRule } from '../rules/detect.ts';
import { neutralise } from '../terminal-text.ts';
import { cutTo, padTo, widthOf } from '../terminal/columns.ts';
import type { Paint, Style } from '../terminal/paint.ts';
import { assignmentsOf } from '../values/environment.ts';

export interface LiveViewOptions {
  /** Columns of the terminal; Infinity where lines need not be cut. */
  columns: number;
  userNames: ReadonlyMap<number, string>;
  /** The account with a SID, `DOMAIN\name`. */
  accountName: (sid: string) => string;
  paint: Paint;
  /** Minutes that local time is ahead of UTC at an instant; the terminal's own zone by default. */
  zoneOffset?: (time: Date) => number;
  /** In front of the command, for its place in a tree: plain text. */
  indent?: string;
}

const TIME_WIDTH = 12;
const USER_WIDTH = 10;
const PID_WIDTH = 7;

/** Narrower than this, the columns on the left go, the least needed first. */
const ROOM_FOR_PPID = 70;
const ROOM_FOR_USER = 50;
const ROOM_FOR_TIME = 30;

/** A long command is cut before the flags next to it are: they are what makes it suspicious. */
const LEAST_COMMAND_WIDTH = 12;

/** Less room shows nothing of a variable's value. */
const LEAST_VARIABLES_WIDTH = 16;

/** The first line of the table. */
export function formatHeader({ columns, paint }: LiveViewOptions): string {
  const left = leftColumns(columns, 'TIME', 'USER', 'PID', 'PPID')
    .map(([text]) => text)
    .join(' ');
  return paint('bold', cutTo(`${left} COMMAND`, columns));
}

/**
 * One event as one line that fits the terminal. Every string of the event was
 * chosen by somebody else and is neutralised before it is measured or printed.
 */
export function formatEvent(event: StreamEvent, options: LiveViewOptions): string {
  switch (event.type) {
    case 'gap':
      return formatGap(event as GapEvent, options);
    case 'exec':
    case 'exec_failed':
      return formatExec(event as ExecEvent | ExecFailedEvent, options);
    case 'fork':
      return formatFork(event as ForkEvent, options);
    case 'exit':
      return formatExit(event as ExitEvent, options);
    default:
      return options.paint('dim', cutTo(neutralise(`${event.type} ${JSON.stringify(event)}`), options.columns));
  }
}

function formatExec(event: ExecEvent | ExecFailedEvent, options: LiveViewOptions): string {
  const { columns, paint } = options;
  const cells = leftColumns(
    columns,
    clock(event.time, options),
    userOf(event, options),
    String(event.pid),
    String(event.ppid ?? '-'),
  );
  const left = cells
    .map(([text, style]) => paint(style === 'user' && event.uid === 0 ? 'yellow' : STYLES[style], text))
    .join(' ');
  const notes = notesOf(event);
  // Where nothing is cut, texts can be too long to be measured.
  const measure = columns === Infinity ? () => 0 : widthOf;
  const room = columns - measure(cells.map(([text]) => text).join(' ')) - 1;
  const notesText = notes === '' ? '' : cutTo(`[${notes}]`, Math.max(0, room - LEAST_COMMAND_WIDTH - 1));
  const { indent = '' } = options;
  const roomForCommand = notesText === '' ? room : room - measure(notesText) - 1;
  const command = cutTo(indent + neutralise(event.command), roomForCommand);
  const style = event.type === 'exec_failed' ? 'red' : styleOfAlert(event);
  const line = `${left} ${paint(style ?? (event.source === 'snapshot' ? 'dim' : 'plain'), command)}`;
  const told = notesText === '' ? line : `${line} ${paint(style ?? 'magenta', notesText)}`;
  const variables = variablesIn(event, roomForCommand - measure(command) - 1);
  return variables === '' ? told : `${told} ${paint('dim', variables)}`;
}

/** Variables of the environment, where the rest of the row leaves room for some of them. */
function variablesIn(event: ExecEvent | ExecFailedEvent, room: number): string {
  const assignments = event.type === 'exec' ? assignmentsOf(event) : undefined;
  if (assignments === undefined || assignments.length === 0 || room < LEAST_VARIABLES_WIDTH) return '';
  return cutTo(neutralise(assignments.join(' ')), room);
}

/** Sigma's levels, the most severe first. */
const LEVEL_STYLES: ReadonlyArray<readonly [level: string, Style]> = [
  ['critical', 'critical'],
  ['high', 'red'],
  ['medium', 'yellow'],
  ['low', 'cyan'],
  ['informational', 'cyan'],
];

/** The style of a rule's level; one without a level is as `high`. */
export function styleOfLevel(level: string | undefined): Style {
  return LEVEL_STYLES.find(([name]) => name === level)?.[1] ?? 'red';
}

/** The style of the most severe rule that an event matched; undefined when it matched none. */
function styleOfAlert(event: object): Style | undefined {
  const styles = rulesIn(event).map(({ level }) => styleOfLevel(level));
  return LEVEL_STYLES.find(([, style]) => styles.includes(style))?.[1];
}

/** The column is narrow: of an account without the domain, of a SID its end, which tells accounts of one machine apart. */
function userOf(
  { uid, user_sid: sid }: ExecEvent | ExecFailedEvent,
  { userNames, accountName }: LiveViewOptions,
): string {
  if (uid !== undefined) return userNames.get(uid) ?? String(uid);
  if (sid === undefined) return '-';
  const name = accountName(sid);
  return neutralise(name === sid ? `…${sid.slice(1 - USER_WIDTH)}` : name.slice(name.lastIndexOf('\\') + 1));
}

/** The rules that an alert matched: level and title of each. */
function matchedRules(event: object): string[] {
  return rulesIn(event).map(({ level, title }) => neutralise(`${(level ?? 'alert').toUpperCase()}: ${title}`));
}

function rulesIn(event: object): ReadonlyArray<Pick<MatchedRule, 'level' | 'title'>> {
  const { rules } = event as { rules?: unknown };
  return Array.isArray(rules) ? rules.filter(isMatchedRule) : [];
}

function isMatchedRule(value: unknown): value is Pick<MatchedRule, 'level' | 'title'> {
  const { title, level } = (value ?? {}) as { title?: unknown; level?: unknown };
  return typeof title === 'string' && (level === undefined || typeof level === 'string');
}

function notesOf(event: ExecEvent | ExecFailedEvent): string {
  const notes = [...matchedRules(event), ...(event.flags ?? []).map(neutralise)];
  if (event.type === 'exec_failed') notes.unshift(neutralise(event.error));
  if (event.euid !== undefined && event.euid !== event.uid) notes.push(`euid ${event.euid}`);
  if (event.argv_truncated) notes.push('truncated');
  if (event.source === 'snapshot') notes.push('was running');
  return notes.join(' ');
}

function formatExit(event: ExitEvent, options: LiveViewOptions): string {
  const { columns, paint } = options;
  const left = leftColumns(columns, clock(event.time, options), '', String(event.pid), '')
    .map(([text]) => text)
    .join(' ');
  const how = event.signal === undefined ? `exit ${event.exit_code ?? '?'}` : `killed by ${neutralise(event.signal)}`;
  return paint('dim', cutTo(`${left} ${how} after ${(event.run_time / 1e6).toFixed(3)} s`, columns));
}

function formatFork(event: ForkEvent, options: LiveViewOptions): string {
  const { columns, paint, indent = '' } = options;
  const left = leftColumns(columns, clock(event.time, options), '', String(event.pid), String(event.ppid))
    .map(([text]) => text)
    .join(' ');
  return paint('dim', cutTo(`${left} ${indent}fork of ${neutralise(event.exe ?? event.comm)}`, columns));
}

function formatGap(event: GapEvent, options: LiveViewOptions): string {
  const events = event.count === 1 ? '1 EVENT' : `${event.count} EVENTS`;
  const text = ` ${clock(event.time, options)} !!! ${events} MISSING: numbers ${event.first} to ${event.last}, lost at ${event.hop} (${event.cause}) !!!`;
  const cut = cutTo(neutralise(text), options.columns);
  return options.paint('alarm', Number.isFinite(options.columns) ? padTo(cut, options.columns) : cut);
}

type Column = 'time' | 'user' | 'pid' | 'ppid';
const STYLES: Readonly<Record<Column, 'dim' | 'cyan' | 'plain'>> = {
  time: 'dim',
  user: 'cyan',
  pid: 'plain',
  ppid: 'dim',
};

function leftColumns(columns: number, time: string, user: string, pid: string, ppid: string): Array<[string, Column]> {
  const cells: Array<[string, Column]> = [];
  if (columns >= ROOM_FOR_TIME) cells.push([padTo(time, TIME_WIDTH), 'time']);
  if (columns >= ROOM_FOR_USER) cells.push([padTo(cutTo(user, USER_WIDTH), USER_WIDTH), 'user']);
  cells.push([pid.padStart(PID_WIDTH), 'pid']);
  if (columns >= ROOM_FOR_PPID) cells.push([ppid.padStart(PID_WIDTH), 'ppid']);
  return cells;
}

/** The event's time of day on this machine's clock, to the millisecond. */
function clock(time: string, { zoneOffset = (at) => -at.getTimezoneOffset() }: LiveViewOptions): string {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return '-';
  return new Date(at.getTime() + zoneOffset(at) * 60_000).toISOString().slice(11, 23);
}
