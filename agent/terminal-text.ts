/**
 * Makes text that other people chose safe to print on a terminal. Arguments of
 * a process can hold anything: escape sequences that move the cursor or set the
 * clipboard, bidirectional controls that reorder a line, invisible characters.
 * Shows all of them as escapes, so that the terminal obeys none.
 */

export const PLAIN_ASCII = /^[\x20-\x7e]*$/;

/**
 * Controls, formatting (bidi and zero width), surrogates, private and unassigned code points; line and paragraph
 * separators; blanks other than the space; and characters that a font may omit.
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
 * Returns a line of JSON with those characters as JSON escapes; its meaning stays the same. JSON itself escapes only
 * the controls below U+0020, and a terminal obeys others.
 */
export function neutraliseJson(line: string): string {
  if (PLAIN_ASCII.test(line)) return line;
  return line
    .replace(UNSAFE, escapeInJson)
    .replace(STACKED_MARKS, (_, kept: string, rest: string) => kept + escapeInJson(rest));
}

function escapeInJson(text: string): string {
  let escaped = '';
  for (let i = 0; i < text.length; i++) escaped += `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`;
  return escaped;
}
