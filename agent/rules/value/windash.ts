import { ModifierError } from './modifier-error.ts';
import { DASH, DASHES, normalize, type Token } from './tokens.ts';

/** A dash that begins a word: nothing wordlike before it, a word character after it. */
const PARAMETER_DASH = /(?<![\p{L}\p{N}_])[-/\u2013\u2014\u2015](?=[\p{L}\p{N}_])/gu;

/**
 * The `windash` modifier: dashes that begin a parameter stand for any of the
 * five. As in pySigma (`\B[-/]\b`), a dash inside a word, or before a space, stays itself;
 * by the appendix's text the three long dashes are interchangeable in the rule as well.
 */
export function markDashes(tokens: readonly Token[]): Token[] {
  return normalize(
    tokens.flatMap((token): Token[] => {
      if (typeof token !== 'string') return [token];
      const out: Token[] = [];
      let end = 0;
      for (const { index } of token.matchAll(PARAMETER_DASH)) {
        out.push(token.slice(end, index), DASH);
        end = index + 1;
      }
      out.push(token.slice(end));
      return out;
    }),
  );
}

/** Above this many, a pattern with dashes is matched as a pattern instead of being written out. */
export const MAX_SPELLINGS = 125;

/**
 * Every way to write a pattern with dashes.
 * @throws {ModifierError} beyond MAX_SPELLINGS
 */
export function spellings(tokens: readonly Token[]): Token[][] {
  let out: Token[][] = [[]];
  for (const token of tokens) {
    const written = token === DASH ? DASHES : [token];
    if (out.length * written.length > MAX_SPELLINGS) throw new ModifierError('too many dashes to encode');
    out = out.flatMap((start) => written.map((one) => [...start, one]));
  }
  return out.map(normalize);
}
