import { ANY, type Token } from './tokens.ts';

/** The tokens between two stars, without the stars. */
export type Piece = readonly Exclude<Token, typeof ANY | object>[];

/** Characters that a piece with `?` or dashes in it may have: each 32 of them can cost a step a character of the text. */
export const MAX_PIECE = 4096;

/** The pieces between the stars, empty ones included: one more than there are stars. */
export function piecesOf(tokens: readonly Token[]): Piece[] {
  const pieces: Piece[number][][] = [[]];
  for (const token of tokens) {
    if (token === ANY) pieces.push([]);
    else if (typeof token !== 'object') pieces.at(-1)!.push(token);
  }
  return pieces;
}

/** How many code points a piece takes. */
export function lengthOf(piece: Piece): number {
  return piece.reduce<number>((sum, token) => sum + (typeof token === 'string' ? [...token].length : 1), 0);
}

/** Whether every piece can be searched for in linear time: a literal of any length can. */
export function isSearchable(tokens: readonly Token[]): boolean {
  return piecesOf(tokens).every((piece) => piece.every((t) => typeof t === 'string') || lengthOf(piece) <= MAX_PIECE);
}
