/** Where a word of a command line stands, its quotes included. */
export interface Word {
  readonly start: number;
  readonly end: number;
}

/** ASCII alone: what a shell splits at. */
export const SPACE = /[ \t\r\n\f\v]/;
const ALNUM = /[A-Za-z0-9]/;
/** A shell ends a command at these, with or without space around them. */
const ENDS = new Set([';', '|', '&', '(', ')', '\n', '`']);

/**
 * Splits a command line nearly as a shell would: at space that no quotes hold together, and at what ends a command. Text that is no command line is split
 * too, somehow: an apostrophe within a word, or a quote that is never closed, is a character like others.
 */
export function wordsIn(text: string): Word[] {
  const words: Word[] = [];
  /** Quotes of which no further one follows: each is looked for in vain once. */
  const gone = new Set<string>();
  let start = -1;
  const close = (end: number): void => {
    if (start >= 0) words.push({ start, end });
    start = -1;
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (SPACE.test(c) || ENDS.has(c)) {
      // Within a word `&` and `;` can also belong to the query of a URL, or to a connection string.
      const next = text[i + 1] ?? ' ';
      const isSubstitution = c === '(' && text[i - 1] === '$';
      const isSeparator = SPACE.test(c) || start < 0 || isSubstitution || SPACE.test(next) || ENDS.has(next);
      if (!isSeparator) continue;
      close(i);
      if (c !== ' ') words.push({ start: i, end: i + (SPACE.test(c) && c !== '\n' ? 0 : 1) });
      continue;
    }
    const opens = start < 0 || !ALNUM.test(text[i - 1]!) || text[start] === '-';
    if (start < 0) start = i;
    if (c === '\\' && (text[i + 1] === '"' || text[i + 1] === '\\' || text[i + 1] === "'")) {
      i++;
    } else if ((c === '"' || c === "'") && opens && !gone.has(c)) {
      const end = closingQuote(text, i + 1, c);
      if (end < 0) gone.add(c);
      else i = end;
    }
  }
  close(text.length);
  return words.filter(({ start: from, end }) => end > from);
}

/** Where a quoted part ends; -1 when it does not. */
export function closingQuote(text: string, from: number, quote: string): number {
  if (quote === "'") return text.indexOf("'", from);
  for (let i = from; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === quote) return i;
  }
  return -1;
}

/** The part of a word within its quotes, when they stand around all of it. */
export function unquoted(text: string, { start, end }: Word): Word {
  const quote = text[start];
  if (end - start < 2 || (quote !== '"' && quote !== "'")) return { start, end };
  return closingQuote(text, start + 1, quote) === end - 1 ? { start: start + 1, end: end - 1 } : { start, end };
}

export const isCommandEnd = (word: string): boolean => word.length === 1 && ENDS.has(word);
