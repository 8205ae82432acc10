import { ModifierError } from './modifier-error.ts';
import { normalize, parseTokens, type Token } from './tokens.ts';

/** The values of `%name%` for the `expand` modifier, from the configuration. Wildcards count. */
export type Placeholders = ReadonlyMap<string, readonly string[]>;

/** One value may not become more than this many. */
export const MAX_ALTERNATIVES = 10_000;

/** In a text, escapes are already read: a backslash that is left is one that escapes the percent character. */
const IN_TEXT = /(?<!\\)%([^%]+)%/g;
/** In an expression they are not: backslashes in pairs stand for themselves. */
const IN_EXPRESSION = /(?<=(?<!\\)(?:\\\\)*)%([^%]+)%/g;

/** Cuts `%name%` out of a value that was read with `parseTokens(value, true)`. `\%` is a percent character. */
export function cutPlaceholders(tokens: readonly Token[]): Token[] {
  return normalize(
    tokens.flatMap((token) =>
      typeof token === 'string' ? cut(token, IN_TEXT, (text) => text.replaceAll('\\%', '%')) : [token],
    ),
  );
}

/** The same for a regular expression, in which `\%` stays as it is. */
export function cutExpression(source: string): Token[] {
  return normalize(cut(source, IN_EXPRESSION, (text) => text));
}

export function hasPlaceholder(value: string): boolean {
  return [...cutPlaceholders(parseTokens(value, true)), ...cutExpression(value)].some(
    (token) => typeof token === 'object',
  );
}

function cut(text: string, pattern: RegExp, unescape: (text: string) => string): Token[] {
  const out: Token[] = [];
  let end = 0;
  for (const found of text.matchAll(pattern)) {
    out.push(unescape(text.slice(end, found.index)), { placeholder: found[1]! });
    end = found.index + found[0].length;
  }
  out.push(unescape(text.slice(end)));
  return out;
}

/**
 * Puts the values in: every combination is one alternative.
 * @param parse turns a value of a placeholder into tokens
 * @throws {ModifierError} for a placeholder without values: the specification
 *   asks that such a rule is rejected ("Placeholders")
 */
export function expandPlaceholders(
  tokens: readonly Token[],
  values: Placeholders,
  parse: (value: string) => Token[],
): Token[][] {
  let out: Token[][] = [[]];
  for (const token of tokens) {
    if (typeof token !== 'object') {
      for (const alternative of out) alternative.push(token);
      continue;
    }
    const found = values.get(token.placeholder);
    if (found === undefined || found.length === 0) {
      throw new ModifierError(`the placeholder %${token.placeholder}% has no values in the configuration`);
    }
    if (out.length * found.length > MAX_ALTERNATIVES)
      throw new ModifierError(`more than ${MAX_ALTERNATIVES} alternatives`);
    const parsed = found.map(parse);
    out = out.flatMap((alternative) => parsed.map((value) => [...alternative, ...value]));
  }
  return out;
}
