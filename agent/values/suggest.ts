/** A distance is not worth computing for something that no key resembles, however long it is. */
const LONGEST_WORD = 100;

/**
 * The candidate nearest to a mistyped word, or undefined when none is near
 * enough to be what was meant: at most one edit in three letters.
 */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > LONGEST_WORD) return undefined;
  let best: string | undefined;
  // All of a word changed is another word.
  let bestDistance = Math.min(word.length, Math.max(1, Math.floor(word.length / 3)) + 1);
  for (const candidate of candidates) {
    // Each letter that one word has more is an edit.
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** The end of a message about a word that is not allowed: `, did you mean "endswith"?`, or nothing. */
export function didYouMean(word: string, allowed: Iterable<string>): string {
  const meant = suggest(word, allowed);
  return meant === undefined ? '' : `, did you mean "${meant}"?`;
}

/** Levenshtein distance with a swap of neighbours counted as one edit: `tpye` is one slip of the hand. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
