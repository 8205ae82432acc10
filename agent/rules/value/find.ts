/** A text up to this long is left to the engine's own search, which then takes at most this many steps a character. */
const SHORT = 16;

/**
 * The first place of a text in another from `from` on, or -1, in time linear in both, whatever they are. String.indexOf takes their product for some,
 * such as many `a` in more of them.
 */
export function find(text: string, wanted: string, from = 0): number {
  if (wanted.length <= SHORT) return text.indexOf(wanted, from);
  const start = wanted.slice(0, SHORT);
  // The cost of comparing before the search that never goes back takes over.
  let left = 4 * (text.length - from) + 64;
  for (let at = text.indexOf(start, from); at >= 0; at = text.indexOf(start, at + 1)) {
    let i = SHORT;
    while (i < wanted.length && text.charCodeAt(at + i) === wanted.charCodeAt(i)) i++;
    if (i === wanted.length) return at;
    left -= i;
    if (left < 0) return findWithoutReturn(text, wanted, at + 1);
  }
  return -1;
}

/** The search of Knuth, Morris and Pratt: at most two steps a character. */
function findWithoutReturn(text: string, wanted: string, from: number): number {
  const borders = bordersOf(wanted);
  let matched = 0;
  for (let at = from; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    while (matched > 0 && unit !== wanted.charCodeAt(matched)) matched = borders[matched - 1]!;
    if (unit === wanted.charCodeAt(matched)) matched++;
    if (matched === wanted.length) return at - matched + 1;
  }
  return -1;
}

/** For each place: the length of the longest beginning that also ends there, and is not all up to there. */
function bordersOf(wanted: string): Int32Array {
  const borders = new Int32Array(wanted.length);
  let length = 0;
  for (let i = 1; i < wanted.length; i++) {
    const unit = wanted.charCodeAt(i);
    while (length > 0 && unit !== wanted.charCodeAt(length)) length = borders[length - 1]!;
    if (unit === wanted.charCodeAt(length)) length++;
    borders[i] = length;
  }
  return borders;
}
