import { neutralise } from '../terminal-text.ts';
import { cutTo, padTo, widthOf } from '../terminal/columns.ts';
import type { Paint, Style } from '../terminal/paint.ts';

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

/** Text in lines of so many columns: parted between words where that is possible. */
function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (line !== '' && widthOf(joined) > columns) {
      lines.push(line);
      line = word;
    } else line = joined;
    for (let cut = fitting(line, columns); cut < line.length; cut = fitting(line, columns)) {
      lines.push(line.slice(0, cut));
      line = line.slice(cut);
    }
  }
  lines.push(line);
  return lines;
}

const CHARACTERS = new Intl.Segmenter();

/** How much of a text fits, in UTF-16 units; one character at least. */
function fitting(text: string, columns: number): number {
  if (widthOf(text) <= columns) return text.length;
  let width = 0;
  for (const { segment, index } of CHARACTERS.segment(text)) {
    width += widthOf(segment);
    if (width > columns && index > 0) return index;
  }
  return text.length;
}
