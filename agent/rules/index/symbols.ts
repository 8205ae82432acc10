import { FOLD } from '../value/fold.ts';

/**
 * Numbers for the characters that a set of folded literals uses. Upper and
 * lower case get the same number, so that an index reads text as it is. 0 is every other character.
 */
export class Symbols {
  /** By UTF-16 unit. */
  readonly of: Uint8Array | Uint16Array;
  /** How many numbers there are, 0 included. */
  readonly count: number;

  constructor(literals: Iterable<string>) {
    const numbers = new Map<number, number>();
    for (const literal of literals) {
      for (let i = 0; i < literal.length; i++) {
        const unit = literal.charCodeAt(i);
        if (!numbers.has(unit)) numbers.set(unit, numbers.size + 1);
      }
    }
    this.count = numbers.size + 1;
    this.of = this.count <= 256 ? new Uint8Array(0x10000) : new Uint16Array(0x10000);
    for (let unit = 0; unit < 0x10000; unit++) this.of[unit] = numbers.get(FOLD[unit]!) ?? 0;
  }
}
