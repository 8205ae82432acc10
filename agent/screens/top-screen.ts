import { neutralise } from '../terminal-text.ts';
import { cutTo, padTo } from '../terminal/columns.ts';
import { sparkline } from '../terminal/sparkline.ts';
import { formatCount, formatRate } from '../view/quantities.ts';
import { INTERVALS, type Busy } from './busiest.ts';
import type { ScreenOptions } from './status-screen.ts';

/** The counts of a window, for a screen or for a program. */
export interface TopFacts {
  readonly by: string;
  /** Of the window, so far. */
  readonly seconds: number;
  readonly total: number;
  readonly others: number;
  readonly alerts: number;
  /** Events that were not counted, since the agent did not send them. */
  readonly missed: number;
  readonly top: readonly Busy[];
  /** Why there is nothing new; undefined while there is. */
  readonly problem?: string | undefined;
}

const TREND_ROOM = 60;

/** Lines above the table. */
export const HEAD_LINES = 3;

/** The busiest as lines of at most `columns`. */
export function topScreen(facts: TopFacts, { columns, paint, isUtf8 }: Omit<ScreenOptions, 'now'>): string[] {
  const { by, seconds, total, others, top } = facts;
  const rate = (count: number): string => formatRate(count / Math.max(1, seconds));
  const hasTrend = columns >= TREND_ROOM;
  const row = (each: string, share: string, trend: string, name: string): string =>
    cutTo(`${each.padStart(9)} ${share.padStart(5)} ${hasTrend ? `${padTo(trend, INTERVALS)} ` : ''}${name}`, columns);
  const share = (count: number): string => `${Math.round((count / Math.max(1, total)) * 100)}%`;
  return [
    cutTo(
      `${rate(total)} execs/s over ${Math.round(seconds)} s by ${by}, ${formatCount(facts.alerts)} alerts (q ends)`,
      columns,
    ),
    paint(
      facts.problem === undefined && facts.missed === 0 ? 'plain' : 'yellow',
      cutTo(neutralise(troubleOf(facts)), columns),
    ),
    paint('bold', row('EXECS/S', 'SHARE', 'TREND', by.toUpperCase())),
    ...top.map(({ name, count, counts }) =>
      row(rate(count), share(count), sparkline(counts, INTERVALS, isUtf8), neutralise(name)),
    ),
    ...(others > 0
      ? [paint('dim', row(rate(others), share(others), '', `others, beyond ${formatCount(top.length)}`))]
      : []),
  ];
}

function troubleOf({ problem, missed }: TopFacts): string {
  if (problem !== undefined) return problem;
  return missed === 0 ? '' : `${formatCount(missed)} events not counted: the agent could not send them fast enough`;
}
