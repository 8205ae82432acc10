import { ModifierError } from './modifier-error.ts';
import { normalize, type Token } from './tokens.ts';

/** What `%name%` of the `expand` modifier stands for: from the configuration. Wildcards count. */
export type Placeholders = ReadonlyMap<string, readonly string[]>;

/** One value may not become more than this many. */
const MAX_ALTERNATIVES = 10_000;

const PLACEHOLDER = /(?<!\\)%([^%]+)%/g;

/** Cuts `%name%` out of the texts. `\%` is a percent character. */
export function insertPlaceholders(tokens: readonly Token[]): Token[] {
  const unescape = (text: string) => text.replaceAll('\\%', '%');
  return normalize(
    tokens.flatMap((token): Token[] => {
      if (typeof token !== 'string') return [token];
      const out: Token[] = [];
      let end = 0;
      for (const found of token.matchAll(PLACEHOLDER)) {
        out.push(unescape(token.slice(end, found.index)), { placeholder: found[1]! });
        end = found.index + found[0].length;
      }
      out.push(unescape(token.slice(end)));
      return out;
    }),
  );
}

/**
 * Puts the values in: every combination is one alternative.
 * @param parse turns a value of a placeholder into tokens
 * @throws {ModifierError} for a placeholder without values: the specification
 *   asks that such a rule is rejected ("Placeholders")
 */
export function expandPlaceholders(tokens: readonly Token[], values: Placeholders, parse: (value: string) => Token[]): Token[][] {
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
    if (out.length * found.length > MAX_ALTERNATIVES) throw new ModifierError(`more than ${MAX_ALTERNATIVES} alternatives`);
    const parsed = found.map(parse);
    out = out.flatMap((alternative) => parsed.map((value) => [...alternative, ...value]));
  }
  return out;
}
