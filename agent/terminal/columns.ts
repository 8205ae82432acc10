import stringWidth from 'string-width';
import { PLAIN_ASCII } from '../terminal-text.ts';

const CHARACTERS = new Intl.Segmenter();

/** Columns that neutralised text takes on a terminal. */
export function widthOf(text: string): number {
  return PLAIN_ASCII.test(text) ? text.length : stringWidth(text);
}

/** Neutralised text cut to `columns`; Infinity cuts nothing, and takes no time. The last column is an ellipsis when something is missing. Characters stay whole. */
export function cutTo(text: string, columns: number): string {
  // The longest command lines have a million characters, each of which takes microseconds to look at.
  if (columns === Infinity || (text.length <= columns && PLAIN_ASCII.test(text))) return text;
  if (columns <= 0) return '';
  let width = 0;
  let end = 0;
  let endBeforeEllipsis = 0;
  for (const { segment } of CHARACTERS.segment(text)) {
    width += widthOf(segment);
    if (width > columns) return `${text.slice(0, endBeforeEllipsis)}…`;
    end += segment.length;
    if (width < columns) endBeforeEllipsis = end;
  }
  return text;
}

/** Neutralised text filled up with spaces on the right to `columns`. */
export function padTo(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text)));
}
