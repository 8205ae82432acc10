import { find } from '../value/find.ts';
import { fold } from '../value/fold.ts';
import { lengthOf, piecesOf, type Piece } from '../value/pieces.ts';
import { DASH, DASHES, type Token } from '../value/tokens.ts';
import { Chain } from './chain.ts';

/**
 * A predicate for a pattern over a whole value, which is folded already
 * unless the pattern is cased. Time is linear in the value: after a star, a piece is taken at its first place, which never has
 * to be taken back, and that place is searched for in linear time.
 */
export function compilePattern(tokens: readonly Token[], cased: boolean): (text: string) => boolean {
  const pieces = piecesOf(tokens.map((token) => (typeof token === 'string' && !cased ? fold(token) : token)));
  const first = pieces[0]!;
  if (pieces.length === 1) return (text) => matchAt(first, text, 0) === text.length;
  const middle = pieces
    .slice(1, -1)
    .filter((piece) => piece.length > 0)
    .map(searchFor);
  const endsWith = compileEnd(pieces.at(-1)!);
  return (text) => {
    let at = matchAt(first, text, 0);
    if (at < 0) return false;
    for (const search of middle) {
      at = search(text, at);
      if (at < 0) return false;
    }
    return endsWith(text, at);
  };
}

/** Where the piece ends if it stands at `at`; -1 if it does not. `?` takes a whole code point. */
function matchAt(piece: Piece, text: string, start: number): number {
  let at = start;
  for (const token of piece) {
    if (typeof token === 'string') {
      if (!text.startsWith(token, at)) return -1;
      at += token.length;
    } else {
      const point = text.codePointAt(at);
      if (point === undefined) return -1;
      if (token === DASH && !DASHES.includes(String.fromCodePoint(point) as never)) return -1;
      at += point > 0xffff ? 2 : 1;
    }
  }
  return at;
}

/** Finds where the first occurrence from a place on ends, or -1. */
function searchFor(piece: Piece): (text: string, from: number) => number {
  const [head] = piece;
  if (piece.length === 1 && typeof head === 'string') {
    return (text, from) => {
      const at = find(text, head, from);
      return at < 0 ? -1 : at + head.length;
    };
  }
  const length = lengthOf(piece);
  let chain: Chain | undefined;
  return (text, from) => {
    // The cost of trying place after place; a text that asks for more is searched in another way.
    let left = 8 * (text.length - from) + 64;
    for (let at = from; at <= text.length; at = next(text, at)) {
      if (typeof head === 'string') {
        at = find(text, head, at);
        if (at < 0) return -1;
      }
      const end = matchAt(piece, text, at);
      if (end >= 0) return end;
      left -= length;
      if (left < 0) return (chain ??= new Chain(piece)).endOfFirst(text, next(text, at));
    }
    return -1;
  };
}

/** Whether the piece ends a text, and begins at `from` or later. */
function compileEnd(piece: Piece): (text: string, from: number) => boolean {
  const [head] = piece;
  if (piece.length === 1 && typeof head === 'string')
    return (text, from) => text.length - head.length >= from && text.endsWith(head);
  const length = lengthOf(piece);
  return (text, from) => {
    let at = text.length;
    // Back by as many code points as the piece has.
    for (let i = 0; i < length; i++) {
      if (at <= from) return false;
      at -= at - from > 1 && isPair(text, at - 2) ? 2 : 1;
    }
    return matchAt(piece, text, at) === text.length;
  };
}

const isPair = (text: string, at: number): boolean => (text.codePointAt(at) ?? 0) > 0xffff;

const next = (text: string, at: number) => at + (isPair(text, at) ? 2 : 1);
