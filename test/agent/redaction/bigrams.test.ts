import test from 'ava';
import fc from 'fast-check';
import { BigramFilter, LONGEST_WORD, MAX_CLASSES } from '../../../agent/redaction/bigrams.ts';

const MARGIN = 8;

/** Where in the text the filter finds windows: the places of their first bytes. */
function windowsIn(filter: BigramFilter, text: string, shift = 0): number[] {
  const bytes = Buffer.from(new ArrayBuffer(2 * (MARGIN + text.length))).fill('~');
  const at = MARGIN + shift;
  bytes.write(text, at, 'latin1');
  const pairs = new Uint16Array(bytes.buffer);
  const found: number[] = [];
  const end = ((at + text.length) >>> 1) + 1;
  for (let i = (at + 1) >>> 1; (i = filter.next(pairs, i, end)) !== -1; i++) found.push(2 * (i - 1) - at);
  return found;
}

const letter = fc.constantFrom(...'abcABC1/"\u00e2\u00ff\0');
const word = fc.string({ unit: letter, minLength: 2, maxLength: LONGEST_WORD }).map(lower);

function lower(text: string): string {
  return text.replaceAll(/[A-Z]/g, (one) => one.toLowerCase());
}

test('a window is found at each place of each word, and only where four bytes are those of a word', (t) => {
  const wordsAndText = fc.array(word, { minLength: 1, maxLength: 12 }).chain((words) =>
    fc.tuple(
      fc.constant(words),
      fc.array(fc.oneof(letter, fc.constantFrom(...words, ...words.map((one) => one.toUpperCase()))), {
        maxLength: 20,
      }),
    ),
  );
  let places = 0;
  fc.assert(
    fc.property(wordsAndText, fc.boolean(), ([words, parts], isOdd) => {
      const some = parts.join('');
      const filter = BigramFilter.of(words)!;
      const shift = isOdd ? 1 : 0;
      const found = windowsIn(filter, some, shift);
      const folded = lower(some);
      for (const one of words)
        for (let at = folded.indexOf(one); at !== -1; at = folded.indexOf(one, at + 1)) {
          places++;
          t.true(
            found.some((window) => Math.abs(window - at) <= 1),
            JSON.stringify([one, some, at, found]),
          );
        }
      for (const window of found) {
        const isOfWord = (one: string): boolean =>
          [-1, 0, 1].some((start) =>
            [0, 1, 2, 3].every((i) => {
              const known = one[start + i];
              return known === undefined || known === (folded[window + i] ?? '~');
            }),
          );
        t.true(words.some(isOfWord), JSON.stringify([words, some, window]));
      }
    }),
    { numRuns: 4000 },
  );
  t.true(places > 1000, `${places} places`);
});

test('words for which its tables have no room, or that are shorter than a pair, have no filter', (t) => {
  const words = Array.from({ length: MAX_CLASSES }, (_, i) => `${String.fromCharCode(0x80 + (i & 0x7f), i >>> 7)}ab`);
  t.is(BigramFilter.of(words), undefined);
  t.not(BigramFilter.of(words.slice(0, 200)), undefined);
  t.is(BigramFilter.of(['token', 'x']), undefined);
});
