import { caseVariants } from '../value/fold.ts';

const PAGE_BITS = 7;
const PAGE = 1 << PAGE_BITS;
/** The page of all units that no literal has, when there are any but ASCII. */
const NO_LITERALS = 1;

/**
 * Numbers for the characters that a set of folded literals uses, ascending with them. Upper and lower case get the same number, so that
 * an index reads text as it is. 0 is every other character. Pages of a hundred and twenty-eight units share what is empty.
 */
export class Symbols {
  /** How many numbers there are for ASCII, 0 included; those from here on are of characters beyond it. */
  readonly ascii: number;
  readonly bytes: number;
  /** By UTF-16 unit / 128: its page. ASCII is page 0. */
  readonly #page = new Uint16Array(0x10000 / PAGE);
  /** By place in a page; by unit, for ASCII. */
  readonly of: Uint16Array;

  constructor(texts: readonly string[]) {
    const units = unitsOf(texts);
    const numbered = units.flatMap((unit, i) => caseVariants(unit).map((variant) => [variant, i + 1] as const));
    this.#page.fill(NO_LITERALS, 1);
    let pages = 2;
    for (const [unit] of numbered) {
      const place = unit >> PAGE_BITS;
      if (this.#page[place] === NO_LITERALS) this.#page[place] = pages++;
    }
    this.of = new Uint16Array(pages * PAGE);
    for (const [unit, number] of numbered)
      this.of[(this.#page[unit >> PAGE_BITS]! << PAGE_BITS) + (unit % PAGE)] = number;
    this.ascii = units.filter((unit) => unit < PAGE).length + 1;
    this.bytes = this.#page.byteLength + this.of.byteLength;
  }

  /** @param unit of UTF-16, in any case */
  numberOf(unit: number): number {
    return this.of[unit < PAGE ? unit : (this.#page[unit >> PAGE_BITS]! << PAGE_BITS) + (unit & (PAGE - 1))]!;
  }
}

/** Each unit once, ascending. */
function unitsOf(texts: readonly string[]): number[] {
  const units = new Set<number>();
  for (const text of texts) for (let i = 0; i < text.length; i++) units.add(text.charCodeAt(i));
  return [...units].sort((a, b) => a - b);
}
