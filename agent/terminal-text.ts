/**
 * Text that other people chose, made safe to print on a terminal. Arguments of
 * a process can hold anything: escape sequences that move the cursor or set the
 * clipboard, bidirectional controls that reorder a line, characters that cannot
 * be seen. All of them are shown as escapes instead of being obeyed.
 */

const PLAIN_ASCII = /^[\x20-\x7e]*$/;

/**
 * Controls, formatting (bidi and zero width), surrogates, private and unassigned code points; line and paragraph
 * separators; blanks other than the space; and what a font may leave out.
 */
const UNSAFE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/gu;

/** Marks stack on the letter before them; a long stack would paint over the lines around it. */
const STACKED_MARKS = /(\p{M}{4})(\p{M}+)/gu;

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/** Returns `text` with every character that is not plainly visible written as `\n`, `\x1b` or `\u{202e}`. */
export function neutralise(text: string): string {
  if (PLAIN_ASCII.test(text)) return text;
  return text
    .replace(UNSAFE, escapeCharacter)
    .replace(STACKED_MARKS, (_, kept: string, rest: string) => kept + [...rest].map(escapeCharacter).join(''));
}

function escapeCharacter(character: string): string {
  const short = SHORT_ESCAPES.get(character);
  if (short !== undefined) return short;
  const code = character.codePointAt(0)!;
  return code < 0x80 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

/**
 * A line of JSON with the same characters as JSON escapes: still the same JSON. JSON itself escapes only the controls
 * below U+0020, and a terminal obeys others.
 */
export function neutraliseJson(line: string): string {
  if (PLAIN_ASCII.test(line)) return line;
  return line.replace(UNSAFE, (character) => {
    let escaped = '';
    for (let i = 0; i < character.length; i++) escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
    return escaped;
  });
}

const ZERO_WIDTH = /^\p{M}$/u;
const WIDE =
  /^(?:\p{Emoji_Presentation}|[\u{1100}-\u{115f}\u{2e80}-\u{303e}\u{3041}-\u{33ff}\u{3400}-\u{4dbf}\u{4e00}-\u{9fff}\u{a000}-\u{a4cf}\u{a960}-\u{a97c}\u{ac00}-\u{d7a3}\u{f900}-\u{faff}\u{fe30}-\u{fe6f}\u{ff01}-\u{ff60}\u{ffe0}-\u{ffe6}\u{1b000}-\u{1b2fb}\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}])$/u;

/** Columns that neutralised text takes on a terminal. */
export function widthOf(text: string): number {
  if (PLAIN_ASCII.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += widthOfCharacter(character);
  return width;
}

function widthOfCharacter(character: string): number {
  if (character.length === 1 && character < '\x7f') return 1;
  if (ZERO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** Neutralised text cut to `columns`, the last of them an ellipsis when something is missing. */
export function cutTo(text: string, columns: number): string {
  if (text.length <= columns && PLAIN_ASCII.test(text)) return text;
  if (columns <= 0) return '';
  let width = 0;
  let end = 0;
  let endBeforeEllipsis = 0;
  for (const character of text) {
    width += widthOfCharacter(character);
    if (width > columns) return `${text.slice(0, endBeforeEllipsis)}…`;
    end += character.length;
    if (width < columns) endBeforeEllipsis = end;
  }
  return text;
}

/** Neutralised text filled up with spaces on the right to `columns`. */
export function padTo(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text)));
}
