import { caseVariants, FOLD } from '../value/fold.ts';
import { ContainsIndex } from './contains.ts';
import { packList, type Literal, type LiteralIndex, type Sink } from './literal.ts';

/** Pairs of characters are hashed to this many places. */
const PLACES = 0x1000;
const LONGEST_SHIFT = 0xff;
/** Comparisons a character of a text after which it is read in another way. */
const MOST_COMPARED = 8;

/**
 * Finds all literals of a set anywhere in a text without reading all of it,
 * which pays for sets without short literals: the method of Wu and Manber. The last two characters of a window as
 * long as the shortest literal tell how far the window may move; where it may not, the literals are compared.
 */
export class SkipIndex implements LiteralIndex {
  readonly bytes = PLACES * 5;
  readonly #literals: readonly Literal[];
  /** Reads every character once, whatever they are; made when a text first asks for it. */
  #linear: ContainsIndex | undefined;
  readonly #window: number;
  /** By hash of a pair: how far no literal can begin. */
  readonly #shift = new Uint8Array(PLACES);
  /** By hash of a pair that ends a window: the literals to compare. */
  readonly #bucket = new Int32Array(PLACES).fill(-1);
  readonly #buckets: Entry[][] = [];
  readonly #lists: readonly Int32Array[];

  /** @param literals of at least two characters each */
  constructor(literals: readonly Literal[]) {
    this.#literals = literals;
    this.#window = shortestOf(literals);
    this.#shift.fill(this.#window - 1);
    for (const { text, atoms } of literals) {
      for (let end = 1; end < this.#window; end++)
        for (const place of placesOf(text, end))
          this.#shift[place] = Math.min(this.#shift[place]!, this.#window - 1 - end);
      this.#put(text, packList(atoms));
    }
    this.#lists = this.#buckets.flat().map((entry) => entry.atoms);
  }

  get lists(): readonly Int32Array[] {
    return [...this.#lists, ...(this.#linear?.lists ?? [])];
  }

  /** Whether sets like this are read faster by skipping: windows are long and most pairs are in no literal. */
  static suits(literals: readonly Literal[]): boolean {
    const shortest = shortestOf(literals);
    return shortest >= 4 && literals.length * (shortest - 1) < PLACES / 2;
  }

  scan(text: string, sink: Sink): number {
    const shift = this.#shift;
    const window = this.#window;
    const most = MOST_COMPARED * (text.length + window);
    let left = most;
    for (let end = window - 1; end < text.length;) {
      const place = hash(text.charCodeAt(end - 1), text.charCodeAt(end));
      const step = shift[place]!;
      if (step > 0) {
        end += step;
        continue;
      }
      const bucket = this.#buckets[this.#bucket[place]!];
      if (bucket !== undefined) {
        left -= compare(bucket, text, end - window + 1, sink);
        if (left < 0) return most - left + this.#scanAll(text, sink);
      }
      end++;
    }
    return text.length + most - left;
  }

  /** Scans texts built from parts of the literals. May report a literal again. */
  #scanAll(text: string, sink: Sink): number {
    this.#linear ??= new ContainsIndex(this.#literals);
    return this.#linear.scan(text, sink);
  }

  #put(text: string, atoms: Int32Array): void {
    for (const place of placesOf(text, this.#window - 1)) {
      if (this.#bucket[place] === -1) this.#bucket[place] = this.#buckets.push([]) - 1;
      this.#buckets[this.#bucket[place]!]!.push({ text, atoms });
    }
  }
}

interface Entry {
  readonly text: string;
  readonly atoms: Int32Array;
}

/** Without regard to the case of ASCII, which needs no table this way. */
const hash = (a: number, b: number): number => ((a | 0x20) * 37 + (b | 0x20)) & (PLACES - 1);

/** Where the pair that ends at `end` is, however its characters are written. */
function placesOf(text: string, end: number): Set<number> {
  const places = new Set<number>();
  for (const a of caseVariants(text.charCodeAt(end - 1)))
    for (const b of caseVariants(text.charCodeAt(end))) places.add(hash(a, b));
  return places;
}

const shortestOf = (literals: readonly Literal[]): number =>
  literals.reduce((least, l) => Math.min(least, l.text.length), LONGEST_SHIFT);

/** @returns how many characters were compared */
function compare(entries: readonly Entry[], text: string, start: number, sink: Sink): number {
  let compared = 0;
  for (const { text: literal, atoms } of entries) {
    if (start + literal.length > text.length) continue;
    let i = 0;
    while (i < literal.length && FOLD[text.charCodeAt(start + i)] === literal.charCodeAt(i)) i++;
    if (i === literal.length) sink.found(atoms);
    compared += i + 1;
  }
  return compared;
}
