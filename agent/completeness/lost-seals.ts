import type { FoundSeal, Stream } from './ledger.ts';
import type { Blocks } from './numbers.ts';
import type { Problem } from './verdict.ts';

/** Finds seals that are lost in front of the first or behind the last one: lines that are there carry their numbers. @param seals of the stream, first to last */
export function* lostSeals(stream: Stream, seals: readonly FoundSeal[], blocks: Blocks): Generator<Problem> {
  const [first] = seals;
  if (first === undefined) return;
  if (first.seal > 1) yield* lostBefore(first, stream, blocks);
  yield* lostBehind(newestOf(seals, first), stream, blocks);
}

function* lostBefore(first: FoundSeal, { under }: Stream, blocks: Blocks): Generator<Problem> {
  let [lowest, from, held] = [Infinity, Infinity, 0];
  for (const [seal, { numbers, seals }] of under) {
    if (seal === 0 || seal >= first.seal || seals.length > 0) continue;
    const smallest = numbers.smallest(blocks);
    if (smallest === undefined || smallest >= first.from) continue;
    lowest = Math.min(lowest, seal);
    from = Math.min(from, smallest);
    held += numbers.count(blocks, 0, first.from - 1);
  }
  if (held > 0) yield { kind: 'uncovered', from, to: first.from - 1, held, seals: [lowest, first.seal - 1] };
}

/** A line carries the number of the seal that is open, so the one before it went out in front of it. */
function* lostBehind(newest: FoundSeal, { under }: Stream, blocks: Blocks): Generator<Problem> {
  let [highest, from] = [0, Infinity];
  for (const [number, { numbers, gaps, seals }] of under) {
    if (number < highest || number < 2 || seals.length > 0 || under.get(number - 1)?.seals.length) continue;
    const start = gaps.reduce((least, { first }) => Math.min(least, first), numbers.smallest(blocks) ?? Infinity);
    // Lines in front of it were left by an agent that lost its place, and came again.
    if (start > newest.to && start < Infinity) [highest, from] = [number, start];
  }
  if (highest > 0) yield { kind: 'seals_missing', seals: [Math.min(newest.seal + 1, highest - 1), highest - 1], from };
}

function newestOf(seals: readonly FoundSeal[], first: FoundSeal): FoundSeal {
  return seals.reduce(
    (newest, seal) => (seal.to > newest.to || (seal.to === newest.to && seal.seal > newest.seal) ? seal : newest),
    first,
  );
}
