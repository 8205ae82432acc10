import stringWidth from 'string-width';
import { PLAIN_ASCII } from '../terminal-text.ts';

const CHARACTERS = new Intl.Segmenter();

/**
 * Letters in front of others that make one character with them, in Hangul and Kirat Rai. Any number can stand so, and counts as one
 * character, but terminals give columns to each.
 */
const JOINED =
  /[\u1100-\u115f\ua960-\ua97c](?=[\u1100-\u115f\ua960-\ua97c\uac00-\ud7a3\u{16d63}-\u{16d6a}])|[\u1160-\u11a7\ud7b0-\ud7c6\u{16d63}-\u{16d6a}](?=[\u{16d63}-\u{16d6a}])/gu;

/** Columns that neutralised text takes on a terminal. */
export function widthOf(text: string): number {
  if (PLAIN_ASCII.test(text)) return text.length;
  let width = stringWidth(text);
  for (const [letter] of text.matchAll(JOINED)) width += stringWidth(letter);
  return width;
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
