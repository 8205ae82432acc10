import { keyOf, type Row } from './sealed-streams.ts';

/** The expected verdict on one stream after rows were taken away. */
export interface ExpectedDamage {
  readonly key: string;
  readonly isRough: boolean;
  /** Each seal that is left and lacks lines, as `seal from to events gaps others`: a number that is there under any seal is not lost. */
  readonly byNumber: readonly string[];
  /** The same by what equality of seal numbers finds: `seal from to events gaps`. */
  readonly bySeal: readonly string[];
  /** Numbers between the first and the last seal that is left, which none of them covers. */
  readonly uncovered: readonly number[];
  /** Numbers of seals that were taken away, with others of the stream left before, and others or lines after. */
  readonly lostSeals: readonly number[];
  /** The lowest number of a seal that is left; undefined if none is. */
  readonly lowest: number | undefined;
  /** The first seal that is left; undefined if none is. */
  readonly first: number | undefined;
}

export interface Loss {
  readonly rows: readonly Row[];
  readonly expected: readonly ExpectedDamage[];
}

/** Takes rows away at random, and single copies of rows that came twice, which is no loss. */
export function lose(rows: readonly Row[], random: () => number, most: number): Loss {
  const texts = [...new Map(rows.map((row) => [row.text, row])).values()];
  const gone = new Set<string>();
  for (let i = 0, count = 1 + Math.floor(random() * most); i < count; i++) {
    const wanted = kindOf(random());
    const candidates = texts.filter(
      // Where an agent crashed, a step of the clock can stand under a seal that does not cover it, and none misses it.
      ({ what, origin }) => what.is === wanted && !(wanted === 'clock' && origin.isRough),
    );
    const row = candidates[Math.floor(random() * candidates.length)];
    if (row !== undefined) gone.add(row.text);
  }
  const seen = new Set<string>();
  const left = rows.filter(({ text }) => {
    if (gone.has(text)) return false;
    const isCopy = seen.has(text);
    seen.add(text);
    return !isCopy || random() < 0.5;
  });
  return { rows: left, expected: expectedOf(rows, left) };
}

const kindOf = (chance: number): Row['what']['is'] =>
  chance < 0.65 ? 'event' : chance < 0.75 ? 'gap' : chance < 0.8 ? 'clock' : 'seal';

/** Compares, set by set, what there was with what is left. */
function expectedOf(before: readonly Row[], after: readonly Row[]): ExpectedDamage[] {
  const left = Map.groupBy(after, ({ origin }) => keyOf(origin));
  return [...Map.groupBy(before, ({ origin }) => keyOf(origin))].map(([key, rows]) => {
    const remaining = left.get(key) ?? [];
    const seals = sealsIn(remaining);
    const texts = new Set(remaining.map(({ text }) => text));
    const numbers = new Set(remaining.flatMap(({ what }) => startOf(what)));
    const [byNumber, bySeal] = [[], []] as [string[], string[]];
    for (const { seal, fields } of seals) {
      const { from, to } = fields;
      const mine = rows.filter((row) => row.seal === seal && row.what.is !== 'seal');
      const inRange = mine.filter(({ what }) => startOf(what).every((number) => number >= from && number <= to));
      const lost = unique(inRange.filter(({ text }) => !texts.has(text)));
      const gone = lost.filter(({ what }) => what.is !== 'clock' && startOf(what).every((each) => !numbers.has(each)));
      const clocks = lost.filter(({ what }) => what.is === 'clock').length;
      const count = (of: readonly Row[]): [number, number] => [
        of.filter(({ what }) => what.is === 'event').length,
        of.reduce((sum, { what }) => sum + (what.is === 'gap' ? what.count : 0), 0),
      ];
      const [events, gaps] = count(gone);
      // Lines without a number are not judged where gaps are missing: they are lines too.
      const others = gaps > 0 ? 0 : clocks;
      if (events + gaps + others > 0) byNumber.push([seal, from, to, events, gaps, others].join(' '));
      const [sealEvents, sealGaps] = count(lost);
      if (sealEvents + sealGaps > 0) bySeal.push([seal, from, to, sealEvents, sealGaps].join(' '));
    }
    const covered = new Set(seals.flatMap(({ fields: { from, to } }) => numbersFrom(from, to)));
    const from = Math.min(...seals.map(({ fields }) => fields.from));
    const to = Math.max(...seals.map(({ fields }) => fields.to));
    const sealNumbers = seals.map(({ seal }) => seal);
    const [lowest, highest] = [Math.min(...sealNumbers), Math.max(...sealNumbers)];
    // A line behind the last seal says that the seals before its own were there.
    const open = Math.max(0, ...remaining.flatMap(({ seal, what }) => (what.is === 'clock' ? [] : [seal])));
    return {
      key,
      isRough: rows[0]!.origin.isRough,
      byNumber: byNumber.toSorted(),
      bySeal: bySeal.toSorted(),
      uncovered:
        seals.length === 0
          ? []
          : withoutJumps(
              numbersFrom(from, to).filter((number) => !covered.has(number)),
              seals,
            ),
      lostSeals: sealsIn(rows)
        .map(({ seal }) => seal)
        .filter((seal) => !sealNumbers.includes(seal) && seal > lowest && seal < Math.max(highest, open)),
      lowest: seals.length === 0 ? undefined : lowest,
      first: seals.toSorted((a, b) => a.fields.from - b.fields.from || a.fields.to - b.fields.to)[0]?.seal,
    };
  });
}

const sealsIn = (rows: readonly Row[]) =>
  unique(rows).flatMap(({ seal, what }) => (what.is === 'seal' ? [{ seal, fields: what.fields }] : []));

const unique = (rows: readonly Row[]): Row[] => [...new Map(rows.map((row) => [row.text, row])).values()];

/** Numbers that no seal covers, except those that were never given, as the seals on both sides say. */
function withoutJumps(numbers: readonly number[], seals: ReturnType<typeof sealsIn>): number[] {
  const uncovered = new Set(numbers);
  const starts = numbers.filter((number) => !uncovered.has(number - 1));
  const ends = numbers.filter((number) => !uncovered.has(number + 1));
  return starts.flatMap((start, i) => {
    const end = ends[i]!;
    const isJump = seals.some(
      ({ seal, fields }) =>
        fields.reason === 'probe' &&
        fields.to === start - 1 &&
        seals.some((next) => next.seal === seal + 1 && next.fields.from === end + 1),
    );
    return isJump ? [] : numbersFrom(start, end);
  });
}

/** The number under which a line is known; none for a step of the clock. */
const startOf = (what: Row['what']): number[] =>
  what.is === 'event' ? [what.seq] : what.is === 'gap' ? [what.first] : [];

const numbersFrom = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
