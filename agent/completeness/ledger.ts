import { hash } from 'node:crypto';
import type { SealEvent } from '../events/seal.ts';
import { COST, type Budget } from './budget.ts';
import { Blocks, NumberSet } from './numbers.ts';

/** Where a line stands, for messages. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** A seal as it was found. */
export interface FoundSeal extends SealEvent {
  readonly seal: number;
  /** SHA-256 of its line. */
  readonly hash: string;
  /** The line has the bytes that the agent wrote. A store that writes lines anew changes every hash. */
  readonly asWritten: boolean;
  readonly place: Place;
}

/** A gap as it was found. */
export interface FoundGap {
  readonly first: number;
  readonly last: number;
  readonly count: number;
  readonly hop: string;
  readonly cause: string;
}

/** The most different seals of one number that are kept: after each crash of an agent there can be one more. */
export const MAX_FORMS = 64;

/** First digits of a hash that tell lines apart: 52 bits, which a number holds. */
const TELLING_DIGITS = 13;

/** All that carries the number of one seal: the lines, and the seals themselves. */
export class UnderSeal {
  readonly numbers = new NumberSet();
  readonly seals: FoundSeal[] = [];
  readonly gaps: FoundGap[] = [];
  /** Lines with a number, each once. */
  numberCount = 0;
  /** Lines without a number, each once: gaps, steps of the clock. */
  others = 0;
  /** As in a seal, over the lines that came for the first time. */
  sum = 0;
  /** Of lines without a number: what they are known by when they come again. */
  #known: Set<number> | undefined;

  /** False if the line came before. @throws {TooMuchError} */
  isNew(digest: string, budget: Budget): boolean {
    this.#known ??= new Set();
    const before = this.#known.size;
    this.#known.add(Number.parseInt(digest.slice(0, TELLING_DIGITS), 16));
    if (this.#known.size === before) return false;
    budget.take(COST.line);
    return true;
  }
}

/** One output of one host in one boot. */
export class Stream {
  readonly hostId: string;
  /** As the newest line says. */
  host: string;
  readonly bootId: string | undefined;
  readonly name: string;
  /** By number of the seal; 0 for lines that carry none. */
  readonly under = new Map<number, UnderSeal>();
  lines = 0;

  #last: UnderSeal | undefined;
  #lastSeal = -1;

  constructor(hostId: string, host: string, bootId: string | undefined, name: string) {
    this.hostId = hostId;
    this.host = host;
    this.bootId = bootId;
    this.name = name;
  }

  /** @throws {TooMuchError} */
  underSeal(seal: number, budget: Budget): UnderSeal {
    if (seal === this.#lastSeal) return this.#last!;
    let under = this.under.get(seal);
    if (under === undefined) {
      budget.take(COST.underSeal);
      this.under.set(seal, (under = new UnderSeal()));
    }
    this.#lastSeal = seal;
    return (this.#last = under);
  }
}

/** SHA-256 of a line, in hexadecimal. */
export const digestOf = (memory: Buffer, start: number, end: number): string =>
  hash('sha256', memory.subarray(start, end), 'hex');

/** The share of a line in a seal's `sum`: the first four bytes of its hash. */
const shareOf = (digest: string): number => Number.parseInt(digest.slice(0, 8), 16);

/** All that is remembered about the input, by stream. */
export class Ledger {
  readonly budget: Budget;
  readonly blocks: Blocks;
  readonly streams = new Map<string, Stream>();

  constructor(budget: Budget) {
    this.budget = budget;
    this.blocks = new Blocks(budget);
  }

  /** @throws {TooMuchError} */
  stream(hostId: string, host: string, bootId: string | undefined, name: string): Stream {
    const key = JSON.stringify([hostId, bootId ?? null, name]);
    let stream = this.streams.get(key);
    if (stream === undefined) {
      this.budget.take(COST.stream + key.length);
      this.streams.set(key, (stream = new Stream(hostId, host, bootId, name)));
    }
    stream.host = host;
    return stream;
  }

  /** A line with a number. @throws {TooMuchError} */
  event(stream: Stream, seal: number, seq: number, memory: Buffer, start: number, end: number): void {
    stream.lines++;
    const under = stream.underSeal(seal, this.budget);
    if (!under.numbers.add(this.blocks, seq)) return;
    under.numberCount++;
    under.sum += shareOf(digestOf(memory, start, end));
  }

  /** A line without a number, which stands for lost ones if it is a gap. @throws {TooMuchError} */
  other(stream: Stream, seal: number, digest: string, gap?: FoundGap): void {
    stream.lines++;
    const under = stream.underSeal(seal, this.budget);
    if (!under.isNew(digest, this.budget)) return;
    under.others++;
    under.sum += shareOf(digest);
    if (gap === undefined) return;
    this.budget.take(COST.gap);
    under.gaps.push(gap);
  }

  /** False where there are too many seals of this number. @throws {TooMuchError} */
  seal(stream: Stream, seal: FoundSeal): boolean {
    stream.lines++;
    const { seals } = stream.underSeal(seal.seal, this.budget);
    if (seals.some(({ hash: digest }) => digest === seal.hash)) return true;
    if (seals.length >= MAX_FORMS) return false;
    this.budget.take(COST.seal);
    seals.push(seal);
    return true;
  }
}
