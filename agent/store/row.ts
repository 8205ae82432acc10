import { isObject } from '../../shared/events/fields.ts';

/** A row of `records`; null where the line has no such field. */
export interface Row {
  readonly timeUs: number | null;
  readonly type: string;
  readonly alert: 0 | 1;
  readonly bootId: string | undefined;
  readonly seq: number | null;
  readonly pid: number | null;
  readonly startTime: number | null;
  readonly parentPid: number | null;
  readonly parentStartTime: number | null;
  readonly uid: number | null;
  readonly exe: string | null;
  readonly command: string | null;
}

/** Reads what is stored beside a line. A field of another type than ours counts as missing. */
export function rowOf(line: string): Row {
  const parsed: unknown = JSON.parse(line);
  const value = isObject(parsed) ? parsed : {};
  const parent = isObject(value['parent']) ? value['parent'] : {};
  const { type, time, rules, boot_id: bootId } = value;
  return {
    timeUs: typeof time === 'string' ? microseconds(time) : null,
    type: typeof type === 'string' ? type : 'unknown',
    alert: Array.isArray(rules) && rules.length > 0 ? 1 : 0,
    bootId: typeof bootId === 'string' ? bootId : undefined,
    seq: integer(value['seq']),
    pid: integer(value['pid']),
    startTime: integer(value['start_time']),
    parentPid: integer(parent['pid']),
    parentStartTime: integer(parent['start_time']),
    uid: integer(value['uid']),
    exe: text(value['exe']),
    command: text(value['command']),
  };
}

const integer = (value: unknown): number | null => (Number.isSafeInteger(value) ? (value as number) : null);
const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);

const INSTANT = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** An RFC 3339 time in microseconds since 1970; null where it is none. */
export function microseconds(time: string): number | null {
  const [, seconds, fraction = '', zone] = INSTANT.exec(time) ?? [];
  if (seconds === undefined || zone === undefined) return null;
  const milliseconds = Date.parse(seconds + zone);
  return Number.isNaN(milliseconds) ? null : milliseconds * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6));
}
