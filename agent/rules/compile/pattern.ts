import { fold } from '../value/fold.ts';
import { ANY, DASH, DASHES, type ONE, type Token } from '../value/tokens.ts';

/**
 * A predicate for a pattern over a whole value, which is folded already
 * unless the pattern is cased. Time is at most the text's length times the pattern's: after a star, a
 * piece is taken at its first place, which never has to be taken back.
 */
export function compilePattern(tokens: readonly Token[], cased: boolean): (text: string) => boolean {
  const pieces = split(tokens.map((token) => (typeof token === 'string' && !cased ? fold(token) : token)));
  const first = pieces[0]!;
  if (pieces.length === 1) return (text) => matchAt(first, text, 0) === text.length;
  const middle = pieces.slice(1, -1).filter((piece) => piece.length > 0);
  const last = pieces.at(-1)!;
  return (text) => {
    let at = matchAt(first, text, 0);
    if (at < 0) return false;
    for (const piece of middle) {
      at = find(piece, text, at);
      if (at < 0) return false;
    }
    return endsWith(last, text, at);
  };
}

type Piece = readonly (string | typeof ONE | typeof DASH)[];

/** The pieces between the stars. */
function split(tokens: readonly Token[]): Piece[] {
  const pieces: (string | typeof ONE | typeof DASH)[][] = [[]];
  for (const token of tokens) {
    if (token === ANY) pieces.push([]);
    else if (typeof token !== 'object') pieces.at(-1)!.push(token);
  }
  return pieces;
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

/** Where the first occurrence from `from` on ends, or -1. */
function find(piece: Piece, text: string, from: number): number {
  const [head] = piece;
  for (let at = from; at <= text.length; at = next(text, at)) {
    if (typeof head === 'string') {
      at = text.indexOf(head, at);
      if (at < 0) return -1;
    }
    const end = matchAt(piece, text, at);
    if (end >= 0) return end;
  }
  return -1;
}

function endsWith(piece: Piece, text: string, from: number): boolean {
  if (piece.length === 0) return true;
  if (piece.length === 1 && typeof piece[0] === 'string')
    return text.length - piece[0].length >= from && text.endsWith(piece[0]);
  for (let at = from; at <= text.length; at = next(text, at)) if (matchAt(piece, text, at) === text.length) return true;
  return false;
}

const next = (text: string, at: number) => at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
