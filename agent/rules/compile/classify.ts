import type { Position } from '../index/literal.ts';
import { fold } from '../value/fold.ts';
import { ANY, DASH, DASHES, literalText, type Token } from '../value/tokens.ts';
import { MAX_SPELLINGS, spellings } from '../value/windash.ts';

/** Literals of which a value must have one, each at its position. */
export interface Literals {
  readonly position: Position;
  /** Folded, none empty. */
  readonly texts: readonly string[];
}

/** Characters of a literal that an index holds: more would make its tables large and help nobody. */
const MAX_INDEXED = 256;

/**
 * The literals that a pattern is, when it is nothing but a literal between
 * optional stars: then an index decides it alone. With dashes, every spelling is one literal.
 */
export function literalsOf(tokens: readonly Token[]): Literals | undefined {
  const dashes = tokens.filter((t) => t === DASH).length;
  if (DASHES.length ** dashes > MAX_SPELLINGS) return undefined;
  let position: Position | undefined;
  const texts: string[] = [];
  for (const spelling of dashes === 0 ? [tokens] : spellings(tokens)) {
    const open = spelling[0] === ANY;
    const ended = spelling.length > 1 && spelling.at(-1) === ANY;
    const text = literalText(spelling.slice(open ? 1 : 0, ended ? -1 : undefined));
    if (text === undefined || text === '' || text.length > MAX_INDEXED) return undefined;
    position = open ? (ended ? 'contains' : 'suffix') : ended ? 'prefix' : 'equals';
    texts.push(fold(text));
  }
  return position === undefined ? undefined : { position, texts };
}

/** The literal that says most about a pattern that no index can decide, or the part of it that an index holds: any value it fits has it. */
export function gateOf(tokens: readonly Token[]): Literals | undefined {
  const exact = literalsOf(tokens);
  if (exact !== undefined) return exact;
  let best: { text: string; i: number } | undefined;
  for (const [i, token] of tokens.entries()) {
    if (typeof token === 'string' && token.length > (best?.text.length ?? 0)) best = { text: token, i };
  }
  if (best === undefined) return undefined;
  const position = best.i === 0 ? 'prefix' : best.i === tokens.length - 1 ? 'suffix' : 'contains';
  const part = position === 'suffix' ? best.text.slice(-MAX_INDEXED) : best.text.slice(0, MAX_INDEXED);
  return { position, texts: [fold(part)] };
}
