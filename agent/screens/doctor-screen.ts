import { neutralise } from '../terminal-text.ts';
import { padTo, widthOf } from '../terminal/columns.ts';
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

/** The least room for text, where the terminal is narrow. */
const LEAST_WIDTH = 20;

/** A finding as lines: its verdict, what was looked at, and what was found; the next step below. */
export function findingLines({ check, verdict, says, advice }: Shown, columns: number, paint: Paint): string[] {
  const [word, style] = WORDS[verdict];
  const indent = WORD_WIDTH + CHECK_WIDTH;
  const room = Math.max(LEAST_WIDTH, columns - indent);
  const name = neutralise(check);
  const [first = '', ...rest] = wrap(neutralise(says), room);
  // A long name has a line of its own.
  const isLong = widthOf(name) >= CHECK_WIDTH;
  const head = paint(style, padTo(word, WORD_WIDTH));
  const left = ' '.repeat(Math.min(indent, Math.max(0, columns - room)));
  return [
    ...(isLong ? [`${head}${name}`, left + first] : [`${head}${padTo(name, CHECK_WIDTH)}${first}`]),
    ...rest.map((line) => left + line),
    ...(advice === undefined ? [] : wrap(`> ${neutralise(advice)}`, room).map((line) => left + paint('bold', line))),
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
