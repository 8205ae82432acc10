import test from 'ava';
import fc from 'fast-check';
import { FACT_NAMES, Facts } from '../../../../agent/events/facts.ts';
import { decodeFacts, encodeFacts } from '../../../../agent/delivery/spool/frame-facts.ts';

const WIDTH = FACT_NAMES.length;

const anyFacts = fc.option(
  fc
    .tuple(
      fc.array(fc.option(fc.constantFrom('"a"', '{"name":"b"}', '[1]', '"€"'), { nil: undefined }), {
        minLength: WIDTH,
        maxLength: WIDTH,
      }),
      fc.nat(2 ** WIDTH - 1),
    )
    .map(([texts, redacted]) => new Facts({ texts, redacted })),
  { nil: undefined },
);
const textsOf = (facts: Facts | undefined): unknown =>
  facts === undefined || FACT_NAMES.every((_, place) => facts.textAt(place) === undefined)
    ? undefined
    : [...FACT_NAMES.map((_, place) => facts.textAt(place)), facts.redacted];

test('facts come back as they were, whatever part of a segment goes into a frame', (t) => {
  fc.assert(
    fc.property(fc.array(anyFacts, { maxLength: 20 }), fc.nat(20), fc.nat(20), (facts, a, b) => {
      const [from, to] = [Math.min(a, b, facts.length), Math.min(Math.max(a, b), facts.length)];
      const encoded = encodeFacts(facts, from, to);
      const decoded = decodeFacts(encoded, to - from) ?? Array.from({ length: to - from });
      t.deepEqual(
        decoded.map((each) => textsOf(each as Facts | undefined)),
        facts.slice(from, to).map(textsOf),
      );
    }),
    { numRuns: 300, seed: 17 },
  );
});

test('each text is there once; a frame without facts has none, and one of an older agent as well', (t) => {
  const facts = Array.from({ length: 50 }, () => new Facts({ texts: FACT_NAMES.map(() => '"same"') }));
  t.deepEqual(encodeFacts(facts, 0, 50)![0], ['"same"']);
  t.is(encodeFacts(undefined, 0, 50), undefined);
  t.is(encodeFacts([undefined, undefined], 0, 2), undefined);
  t.is(decodeFacts(undefined, 50), undefined);
});

test('a frame of an agent with more kinds of facts is read, without those', (t) => {
  const row = [...FACT_NAMES.map(() => 0), 1, 0];
  const [facts] = decodeFacts([['"known"', '"later"'], row, WIDTH + 1], 1)!;
  t.deepEqual(textsOf(facts), [...FACT_NAMES.map(() => '"known"'), 0]);
});

for (const [title, encoded] of [
  ['no list', { texts: [] }],
  ['texts that are none', [[1], [], WIDTH]],
  ['rows of another number of records', [[], [0], WIDTH]],
  ['a text that is not there', [['"a"'], [...FACT_NAMES.map(() => 1), 0], WIDTH]],
  ['no number of kinds', [[], [], undefined]],
] as const)
  test(`facts of another shape are an error: ${title}`, (t) => {
    t.throws(() => decodeFacts(encoded, 1), { message: /the facts/ });
  });
