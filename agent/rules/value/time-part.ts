/** The time modifiers of specification v2.1: each takes one number out of a date. */
export type TimePart = 'minute' | 'hour' | 'day' | 'week' | 'month' | 'year';

/** The range of each part, for checking rules. ISO weeks reach 53 in some years. */
export const TIME_PARTS: Readonly<Record<TimePart, readonly [least: number, most: number]>> = {
  minute: [0, 59],
  hour: [0, 23],
  day: [1, 31],
  week: [1, 53],
  month: [1, 12],
  year: [0, 9999],
};

const DATE = /^\s*(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d))?/;

/**
 * The part of a value, or undefined where the value is no date. The appendix
 * says that the modifiers convert no time zones, so a text is taken as it is
 * written; a number is Unix time (seconds, or milliseconds above 10^11) in UTC.
 */
export function timePart(part: TimePart, value: unknown): number | undefined {
  const parts = typeof value === 'number' ? ofUnixTime(value) : typeof value === 'string' ? ofText(value) : undefined;
  if (parts === undefined) return undefined;
  const [year, month, day, hour, minute] = parts;
  if (part === 'week') return isoWeek(year, month, day);
  return { year, month, day, hour, minute }[part];
}

type Parts = [year: number, month: number, day: number, hour: number | undefined, minute: number | undefined];

function ofUnixTime(value: number): Parts | undefined {
  const date = new Date(Math.abs(value) > 1e11 ? value : value * 1000);
  if (Number.isNaN(date.getTime())) return undefined;
  return [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes()];
}

function ofText(value: string): Parts | undefined {
  if (/^\d{9,13}$/.test(value)) return ofUnixTime(Number(value));
  const found = DATE.exec(value);
  if (found === null) return undefined;
  const [, year, month, day, hour, minute] = found;
  const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
  return [Number(year), Number(month), Number(day), number(hour), number(minute)];
}

/** ISO 8601: weeks begin on Monday, week 1 holds the year's first Thursday. */
function isoWeek(year: number, month: number, day: number): number {
  const date = new Date(Date.UTC(year, month - 1, day));
  const weekday = date.getUTCDay() || 7;
  date.setUTCDate(date.getUTCDate() + 4 - weekday);
  const firstDay = Date.UTC(date.getUTCFullYear(), 0, 1);
  return Math.ceil(((date.getTime() - firstDay) / 86_400_000 + 1) / 7);
}
