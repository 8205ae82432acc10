import { arithmeticFault } from '../events/seal.ts';
import { byPlace, countIn, gapsIn, isExact, isSame, numbersIn } from './gaps.ts';
import type { FoundGap, FoundSeal, Ledger, Stream, UnderSeal } from './ledger.ts';
import { lostSeals } from './lost-seals.ts';
import { AllNumbers, type Blocks, type Range } from './numbers.ts';
import type { GapSummary, MissingLines, Note, Problem, Verdict } from './verdict.ts';

/** Bounds of what is kept for each stream: problems, notes, and ranges of one problem or cause. */
const MAX_PROBLEMS = 1000;
const MAX_NOTES = 50;
const MAX_RANGES = 20;

/** Blocks of numbers that one stream's seals may make us look through in search of lines under other seals: seconds. Real streams need a thousandth of it. */
const MAX_STEPS = 20_000_000;
/** Steps that naming the numbers of a block takes, compared with counting them. */
const NAMING_STEPS = 64;

export interface JudgeOptions {
  /** The input holds each stream from its beginning: a stream that begins later lacks seals. */
  readonly whole: boolean;
}

/** Judges every stream. Ordered by host, boot and stream. Call it once: it joins the sets of numbers. */
export function* judgeAll({ streams, blocks }: Ledger, options: JudgeOptions): Generator<Verdict> {
  const keyOf = ({ host, hostId, bootId = '', name }: Stream): string => JSON.stringify([host, hostId, bootId, name]);
  const sorted = [...streams.values()].map((stream) => ({ stream, key: keyOf(stream) }));
  sorted.sort((a, b) => (a.key < b.key ? -1 : 1));
  for (const { stream } of sorted) yield new Judgement(stream, blocks, options).verdict();
}

/** A seal, and what is there of the lines that carry its number and lie in its range. */
interface Judged {
  readonly seal: FoundSeal;
  readonly under: UnderSeal;
  readonly events: number;
  readonly gapNumbers: number;
}

class Judgement {
  readonly #stream: Stream;
  readonly #options: JudgeOptions;
  /** In the order of `from`; seals that cover nothing come before the one that begins at the same number. */
  readonly #judged: readonly Judged[];
  readonly #all: AllNumbers;
  readonly #gaps: readonly FoundGap[];
  /** Seals in front of the first and behind the last one. */
  readonly #lostSeals: readonly Problem[];
  readonly #problems: Problem[] = [];
  #problemCount = 0;
  readonly #notes: Note[] = [];
  /** The smallest number that is not accounted for. */
  #firstBad = Infinity;
  /** Numbers of which lines are missing. */
  #missingNumbers = 0;
  /** Seals of which lines are missing. */
  readonly #short = new Set<FoundSeal>();
  /** Seals that begin behind numbers that were never given, and the last number before those. */
  readonly #jumps = new Map<FoundSeal, number>();
  #steps = MAX_STEPS;
  /** The first number that is judged. */
  #begin = 0;

  constructor(stream: Stream, blocks: Blocks, options: JudgeOptions) {
    this.#stream = stream;
    this.#options = options;
    const under = [...stream.under.values()];
    // Before the sets are joined.
    this.#judged = under
      .flatMap((lines) => lines.seals.map((seal) => judgedOf(seal, lines, blocks)))
      .sort(({ seal: a }, { seal: b }) => a.from - b.from || a.to - b.to || a.seal - b.seal);
    this.#lostSeals = [
      ...lostSeals(
        stream,
        this.#judged.map(({ seal }) => seal),
        blocks,
      ),
    ];
    this.#all = new AllNumbers(
      blocks,
      under.map(({ numbers }) => numbers),
    );
    this.#gaps = under.flatMap(({ gaps }) => gaps).sort(byPlace);
  }

  verdict(): Verdict {
    const { hostId, host, bootId, name, lines } = this.#stream;
    const origin = { host_id: hostId, host, boot_id: bootId, stream: name };
    const unstamped = this.#stream.under.get(0);
    if (unstamped !== undefined) this.#note({ kind: 'unsealed_lines', lines: linesOf(unstamped) });
    const first = this.#judged[0];
    if (first === undefined) {
      this.#problem({ kind: 'no_seal', lines });
      return {
        ...origin,
        complete: false,
        seals: 0,
        events: 0,
        filtered: 0,
        in_gaps: 0,
        gaps: [],
        ...this.#findings(),
        ...this.#unsealed(0),
      };
    }
    this.#begin = this.#findBegin(first);
    const covered = this.#cover();
    const judged = this.#judged.filter(({ seal }) => this.#isJudged(seal));
    if (judged.length === 0) this.#problem({ kind: 'no_seal', lines });
    for (const each of judged) this.#judge(each);
    this.#checkSums(judged);
    this.#checkChain();
    return this.#summary(origin, covered);
  }

  /** Not those in the middle of which the input begins. */
  #isJudged({ from, to }: FoundSeal): boolean {
    return from >= this.#begin || to >= this.#begin;
  }

  /** The first number that is judged. */
  #findBegin({ seal: { seal, from } }: Judged): number {
    if (seal === 1) return from;
    if (this.#options.whole) {
      this.#problem({ kind: 'seals_missing', seals: [1, seal - 1], from });
      return from;
    }
    const cut = this.#judged.filter((other) => other.seal.seal === seal && other.seal.from === from);
    const isCut = cut.some((judged) => this.#shortage(judged) !== undefined);
    const to = Math.max(...cut.map((judged) => judged.seal.to));
    if (isCut) this.#note({ kind: 'begins_within', seal, from, to });
    else this.#note({ kind: 'begins_with', seal, from });
    return isCut ? to + 1 : from;
  }

  /** Finds the numbers that no seal covers. Returns the ranges that are covered. */
  #cover(): Range[] {
    for (const problem of this.#lostSeals) this.#problem(problem);
    const ranges: Array<[number, number]> = [];
    let before: FoundSeal | undefined;
    let next = this.#begin;
    for (const { seal } of this.#judged) {
      if (this.#isJudged(seal)) {
        const { from, to } = seal;
        if (from > next) this.#hole(next, seal, before);
        // A seal that begins further back is from before a crash, and so may be the one before it, which the input need not hold.
        else if (from === next && seal.seal > 1 && before !== undefined && !this.#follows(seal))
          this.#lost(seal, before);
        const range = ranges.at(-1);
        if (range !== undefined && from <= range[1] + 1) range[1] = Math.max(range[1], to);
        else if (to >= from) ranges.push([Math.max(from, this.#begin), to]);
        next = Math.max(next, from, to + 1);
      }
      if (before === undefined || seal.to >= before.to) before = seal;
    }
    return ranges;
  }

  #hole(from: number, seal: FoundSeal, before: FoundSeal | undefined): void {
    const to = seal.from - 1;
    // When the probe was loaded anew, the numbers between were never given.
    if (this.#endingAt(from - 1, seal.seal - 1).some(({ reason }) => reason === 'probe')) {
      this.#jumps.set(seal, from - 1);
      return this.#note({ kind: 'not_watched', from, to });
    }
    const isKnown = before !== undefined && before.seal < seal.seal - 1;
    this.#problem({
      kind: 'uncovered',
      from,
      to,
      held: this.#all.count(from, to),
      ...(isKnown ? { seals: [before.seal + 1, seal.seal - 1] as const } : {}),
    });
  }

  /** Reports the seals between two whose numbers are covered without them. */
  #lost({ seal, from }: FoundSeal, before: FoundSeal): void {
    const first = before.seal < seal - 1 ? before.seal + 1 : seal - 1;
    this.#problem({ kind: 'seals_missing', seals: [first, seal - 1], from });
  }

  /** Whether a seal that ends where this one begins has the number before. */
  #follows({ seal, from }: FoundSeal): boolean {
    return this.#endingAt(from - 1, seal - 1).length > 0;
  }

  /** The seals of a number whose last number is this one. */
  #endingAt(last: number, seal: number): FoundSeal[] {
    return this.#stream.under.get(seal)?.seals.filter(({ to }) => to === last) ?? [];
  }

  #judge(judged: Judged): void {
    const { seal } = judged;
    const { from, to } = seal;
    const fault = arithmeticFault(seal);
    if (fault !== undefined) return this.#problem({ kind: 'arithmetic', seal: seal.seal, from, to, reason: fault });
    const shortage = this.#shortage(judged);
    if (shortage === undefined) return;
    this.#short.add(seal);
    this.#missingNumbers += shortage.events + shortage.gap_numbers;
    this.#problem(shortage);
  }

  /** The lines of a seal that are not there. */
  #shortage({ seal, under, events, gapNumbers }: Judged): MissingLines | undefined {
    const { seal: number, from, to, sent, gap, filtered, lines } = seal;
    // A line that was written again after a crash can carry another seal's number: then its number is there all the same.
    const canLookAround = (events >= sent && gapNumbers >= gap) || this.#afford(from, to, 1);
    const anyEvents = events < sent && canLookAround ? this.#all.count(from, to) : events;
    const anyGaps = gapNumbers < gap && canLookAround ? numbersIn(gapsIn(this.#gaps, from, to)) : gapNumbers;
    const lostEvents = Math.max(0, sent - anyEvents);
    const lostGap = Math.max(0, gap - anyGaps);
    const isPlain = (lostEvents > 0 || events === sent) && (lostGap > 0 || gapNumbers === gap) && this.#isAlone(under);
    const here = events + under.others;
    const others = isPlain && lostGap === 0 ? Math.max(0, lines - here - lostEvents) : 0;
    if (lostEvents === 0 && lostGap === 0 && others === 0) return undefined;
    const canName = filtered === 0 && lostEvents > 0 && lostGap === 0 && this.#afford(from, to, NAMING_STEPS);
    const numbers = canName ? this.#missing(from, to) : undefined;
    return {
      kind: 'lines_missing',
      seal: number,
      from,
      to,
      events: lostEvents,
      sent,
      gap_numbers: lostGap,
      gap,
      others,
      ...(numbers === undefined ? {} : { numbers: numbers.slice(0, MAX_RANGES) }),
      ...(numbers === undefined || numbers.length <= MAX_RANGES ? {} : { more: true as const }),
    };
  }

  /** Whether there are steps left to look through a range. */
  #afford(from: number, to: number, stepsEach: number): boolean {
    const steps = this.#all.blocksIn(from, to) * stepsEach + countIn(this.#gaps, from, to);
    if (steps > this.#steps) return false;
    this.#steps -= steps;
    return true;
  }

  /** The numbers of a range that are neither there nor in a gap; undefined where a gap does not say exactly which it stands for. */
  #missing(from: number, to: number): Range[] | undefined {
    const gaps = gapsIn(this.#gaps, from, to);
    if (gaps.some((gap) => !isExact(gap))) return undefined;
    const ranges: Range[] = [];
    let at = from;
    for (const { first, last } of [...gaps, { first: to + 1, last: to + 1 }]) {
      if (first > at) ranges.push(...this.#all.missing(at, first - 1, MAX_RANGES + 1 - ranges.length));
      if (ranges.length > MAX_RANGES) break;
      at = Math.max(at, last + 1);
    }
    return ranges;
  }

  /** Whether all seals of a number cover the same range. After a crash there can be others. */
  #isAlone({ seals }: UnderSeal): boolean {
    return seals.every(({ from, to }) => from === seals[0]!.from && to === seals[0]!.to);
  }

  /** Compares the `sum` of seals whose lines are all there. */
  #checkSums(judged: readonly Judged[]): void {
    const unchecked = { rewritten: 0, several_forms: 0, moved: 0 };
    for (const under of new Set(judged.map((each) => each.under))) {
      const { seals } = under;
      if (seals.some((seal) => this.#short.has(seal) || arithmeticFault(seal) !== undefined)) continue;
      if (!seals.every(({ asWritten }) => asWritten)) unchecked.rewritten++;
      else if (!this.#isAlone(under)) unchecked.several_forms++;
      else if (seals.every(({ lines }) => linesOf(under) < lines)) unchecked.moved++;
      else this.#checkSum(seals, under);
    }
    for (const reason of ['rewritten', 'several_forms', 'moved'] as const)
      if (unchecked[reason] > 0) this.#note({ kind: 'unchecked', seals: unchecked[reason], reason });
  }

  #checkSum(seals: readonly FoundSeal[], under: UnderSeal): void {
    const { seal, from, to } = seals[0]!;
    const here = linesOf(under);
    const same = seals.filter(({ lines }) => lines === here);
    if (same.length > 0) {
      if (!same.some(({ sum }) => sum === under.sum)) this.#problem({ kind: 'changed', seal, from, to });
    } else {
      const most = Math.max(...seals.map(({ lines }) => lines));
      if (here > most) this.#note({ kind: 'surplus', seal, from, to, lines: here - most });
    }
  }

  /** Compares each `prev` with the seal before. */
  #checkChain(): void {
    let chains = 0;
    let start: number | undefined;
    for (const { seal } of this.#judged) {
      const { seal: number, from, to, prev, asWritten } = seal;
      if (number === 1 && from !== start) {
        start = from;
        if (chains++ > 0 || this.#judged[0]!.seal.seal !== 1) this.#note({ kind: 'chain_began_again', from });
      }
      if (!asWritten || !this.#isJudged(seal)) continue;
      const fault = (reason: string): void => this.#problem({ kind: 'chain', seal: number, from, to, reason });
      if (number === 1) {
        if (prev !== undefined) fault('it is the first of its chain, and has a prev');
        continue;
      }
      const before = this.#endingAt(this.#jumps.get(seal) ?? from - 1, number - 1);
      if (prev === undefined) fault('it has no prev, and is not the first of its chain');
      else if (before.length > 0 && !before.some(({ hash }) => hash === prev))
        fault(`its prev is not the SHA-256 of seal ${number - 1}: one of the two was changed`);
    }
  }

  #summary(origin: Pick<Verdict, 'host_id' | 'host' | 'boot_id' | 'stream'>, covered: readonly Range[]): Verdict {
    const begin = this.#begin;
    let [numbers, events, inGaps] = [0, 0, 0];
    const kinds = new Map<string, { hop: string; cause: string; gaps: number; numbers: number; ranges: Range[] }>();
    for (const [from, to] of covered) {
      numbers += to - from + 1;
      events += this.#all.count(from, to);
      const gaps = gapsIn(this.#gaps, from, to);
      inGaps += numbersIn(gaps);
      // After a crash the same gap can stand under two seals.
      for (const [i, gap] of gaps.entries()) if (i === 0 || !isSame(gap, gaps[i - 1]!)) addGap(kinds, gap);
    }
    const sealedTo = Math.max(begin - 1, covered.at(-1)?.[1] ?? 0);
    const completeTo = Math.min(sealedTo, this.#firstBad - 1);
    const seals = this.#judged.length;
    return {
      ...origin,
      complete: this.#problemCount === 0,
      from: begin,
      ...(completeTo >= begin ? { complete_to: completeTo } : {}),
      sealed_to: sealedTo,
      seals,
      events,
      filtered: Math.max(0, numbers - events - inGaps - this.#missingNumbers),
      in_gaps: inGaps,
      gaps: [...kinds.values()].sort((a, b) => b.numbers - a.numbers).slice(0, MAX_RANGES) satisfies GapSummary[],
      ...this.#findings(),
      ...this.#unsealed(sealedTo + 1),
    };
  }

  #findings(): Pick<Verdict, 'problems' | 'problem_count' | 'notes'> {
    const at = (problem: Problem): number => ('from' in problem ? problem.from : 0);
    return {
      problems: this.#problems.sort((a, b) => at(a) - at(b)),
      problem_count: this.#problemCount,
      notes: this.#notes,
    };
  }

  /** The events from a number on, which no seal covers yet. */
  #unsealed(from: number): Pick<Verdict, 'unsealed'> {
    const { last } = this.#all;
    const first = this.#all.next(from);
    if (first === undefined || last === undefined) return {};
    return { unsealed: { events: this.#all.count(from, last), first, last } };
  }

  #problem(problem: Problem): void {
    this.#problemCount++;
    if ('from' in problem && problem.kind !== 'seals_missing') this.#firstBad = Math.min(this.#firstBad, problem.from);
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(problem);
  }

  #note(note: Note): void {
    if (this.#notes.length < MAX_NOTES) this.#notes.push(note);
  }
}

function judgedOf(seal: FoundSeal, under: UnderSeal, blocks: Blocks): Judged {
  const { from, to } = seal;
  return {
    seal,
    under,
    events: under.numbers.count(blocks, from, to),
    gapNumbers: numbersIn(gapsIn([...under.gaps].sort(byPlace), from, to)),
  };
}

const linesOf = ({ numberCount, others }: UnderSeal): number => numberCount + others;

/** The most hops and causes that are told apart; hostile input could bring any number. */
const MAX_KINDS = 1000;

function addGap(
  kinds: Map<string, { hop: string; cause: string; gaps: number; numbers: number; ranges: Range[] }>,
  { hop, cause, first, last, count }: FoundGap,
): void {
  const key = JSON.stringify([hop, cause]);
  let kind = kinds.get(key);
  if (kind === undefined) {
    if (kinds.size >= MAX_KINDS) return;
    kinds.set(key, (kind = { hop, cause, gaps: 0, numbers: 0, ranges: [] }));
  }
  kind.gaps++;
  kind.numbers += count;
  if (kind.ranges.length < MAX_RANGES) kind.ranges.push([first, last]);
}
