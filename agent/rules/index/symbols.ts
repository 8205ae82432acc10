import { caseVariants } from '../value/fold.ts';

/**
 * Numbers for the characters that a set of folded literals uses. Upper and
 * lower case get the same number, so that an index reads text as it is. 0 is every other character.
 */
export class Symbols {
  /** By UTF-16 unit. */
  readonly of = new Uint16Array(0x10000);
  /** How many numbers there are, 0 included. */
  count = 1;

  /** Numbers the units of a literal that `wanted` accepts. */
  add(literal: string, wanted: (unit: number) => boolean = () => true): void {
    for (let i = 0; i < literal.length; i++) {
      const unit = literal.charCodeAt(i);
      if (this.of[unit] !== 0 || !wanted(unit)) continue;
      for (const variant of caseVariants(unit)) this.of[variant] = this.count;
      this.count++;
    }
  }
}
