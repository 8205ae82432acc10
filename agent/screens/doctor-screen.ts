import { neutralise } from '../terminal-text.ts';
import { cutTo, padTo, widthOf } from '../terminal/columns.ts';
import type { Paint, Style } from '../terminal/paint.ts';
import { wrap } from '../terminal/wrap.ts';

/** A finding, as `agent/doctor/finding.ts` has it. */
interface Shown {
  readonly check: string;
  readonly verdict: 'ok' | 'warning' | 'problem' | 'skipped';
  readonly says: string;
  readonly advice?: string;
}

const WORDS: Readonly<Record<Shown['verdict'], readonly [string, Style]>> = {
  ok: ['ok', 'green'],
  warning: ['warning', 'yellow'],
  problem: ['PROBLEM', 'critical'],
  skipped: ['skipped', 'dim'],
};

const WORD_WIDTH = 8;
const CHECK_WIDTH = 15;

/** With less room beside it, text stands below. */
const LEAST_WIDTH = 20;
const NARROW_INDENT = 2;

/** A finding as lines: its verdict, what was looked at, and what was found; the next step below. */
export function findingLines({ check, verdict, says, advice }: Shown, columns: number, paint: Paint): string[] {
  const [word, style] = WORDS[verdict];
  const name = neutralise(check);
  const isNarrow = columns - WORD_WIDTH - CHECK_WIDTH < LEAST_WIDTH;
  const indent = isNarrow ? NARROW_INDENT : WORD_WIDTH + CHECK_WIDTH;
  const left = ' '.repeat(indent);
  const head = paint(style, padTo(word, WORD_WIDTH));
  const found = wrap(neutralise(says), columns - indent);
  const steps = advice === undefined ? [] : wrap(`> ${neutralise(advice)}`, columns - indent);
  // Where there is no room beside it, the text begins below.
  const isBelow = isNarrow || widthOf(name) >= CHECK_WIDTH;
  return [
    isBelow ? head + cutTo(name, columns - WORD_WIDTH) : head + padTo(name, CHECK_WIDTH) + (found.shift() ?? ''),
    ...found.map((line) => left + line),
    ...steps.map((line) => left + paint('bold', line)),
  ];
}
