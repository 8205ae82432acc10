/**
 * A Sigma value in pieces: literal text between wildcards. Specification v2.1,
 * "String Wildcard" and "Escape Character".
 */
export type Token = string | Wildcard | Placeholder;

/** `*`: any number of characters. `?`: exactly one. Dash: one of the five that `windash` makes equal. */
type Wildcard = typeof ANY | typeof ONE | typeof DASH;
export const ANY = 0;
export const ONE = 1;
export const DASH = 2;

/** `%name%` of the `expand` modifier, before its values are put in. */
interface Placeholder {
  readonly placeholder: string;
}

/** Hyphen, slash, en dash, em dash, horizontal bar (modifiers appendix, `windash`). */
export const DASHES = ['-', '/', '\u2013', '\u2014', '\u2015'] as const;

/**
 * Reads wildcards and escapes. `\*`, `\?` and `\\` stand for the character
 * itself; a backslash before anything else, or at the end, is a backslash.
 * @param expands whether placeholders are looked for next: then the text ends behind `\\\\` and begins anew with the `%`, so that this backslash does not escape it
 */
export function parseTokens(value: string, expands = false): Token[] {
  const tokens: Token[] = [];
  let text = '';
  const flush = () => {
    if (text !== '') tokens.push(text);
    text = '';
  };
  for (let i = 0; i < value.length; i++) {
    const c = value[i]!;
    const next = value[i + 1];
    if (c === '\\' && (next === '*' || next === '?' || next === '\\')) {
      text += next;
      i++;
      if (expands && next === '\\' && value[i + 1] === '%') flush();
    } else if (c === '*' || c === '?') {
      flush();
      if (c === '?') tokens.push(ONE);
      else if (tokens.at(-1) !== ANY) tokens.push(ANY);
    } else {
      text += c;
    }
  }
  flush();
  return tokens;
}

/** Joins neighbouring texts and drops empty ones, so that equal patterns look equal. */
export function normalize(tokens: readonly Token[]): Token[] {
  const out: Token[] = [];
  for (const token of tokens) {
    const last = out.at(-1);
    if (token === '') continue;
    if (typeof token === 'string' && typeof last === 'string') out[out.length - 1] = last + token;
    else if (token !== ANY || last !== ANY) out.push(token);
  }
  return out;
}

/** The text of a value without wildcards, or undefined. */
export function literalText(tokens: readonly Token[]): string | undefined {
  if (tokens.length === 0) return '';
  const [first] = tokens;
  return tokens.length === 1 && typeof first === 'string' ? first : undefined;
}
