import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { textOf } from '../../../agent/completeness/report.ts';
import type { Note, Problem, Verdict } from '../../../agent/completeness/verdict.ts';
import { ROOT } from '../../support/repository.ts';
import { verdictsOf } from './support.ts';

const TIME = '2026-11-29T02:00:00.000Z';
const SEAL_NUMBERS = 4096;

/** The lines of one boot, sealed every 4,096 numbers: events except some numbers, and one gap at most. */
function bootOf(
  bootId: string,
  numbers: number,
  { isFiltered = () => false, gap }: { isFiltered?: (seq: number) => boolean; gap?: readonly [number, number] } = {},
): string[] {
  const signed = (event: object, seal: number): string =>
    JSON.stringify({
      ...event,
      host_id: '8d6c42f0'.repeat(4),
      host: 'walrus',
      boot_id: bootId,
      stream: 'lake',
      schema_version: 1,
      seal,
    });
  const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
  const lines: string[] = [];
  let prev: string | undefined;
  for (let from = 1, seal = 1; from <= numbers; from += SEAL_NUMBERS, seal++) {
    const to = Math.min(from + SEAL_NUMBERS - 1, numbers);
    const [first, last] = gap !== undefined && gap[0] >= from && gap[0] <= to ? gap : [to + 1, to];
    const mine: string[] = [];
    for (let seq = from; seq <= to; seq++)
      if (!isFiltered(seq) && (seq < first || seq > last)) mine.push(signed({ pid: 1, type: 'exec', seq }, seal));
    const sent = mine.length;
    const lost = last - first + 1;
    if (lost > 0)
      mine.push(signed({ type: 'gap', time: TIME, hop: 'ring', first, last, count: lost, cause: 'ring_full' }, seal));
    lines.push(...mine);
    if (to - from + 1 < SEAL_NUMBERS) break;
    const sum = mine.reduce((total, line) => total + sha256(line).readUInt32BE(0), 0);
    const counts = { sent, filtered: to - from + 1 - sent - lost, gap: lost, lines: mine.length, sum };
    const chain = prev === undefined ? {} : { prev };
    const line = signed({ type: 'seal', time: TIME, from, to, ...counts, ...chain, reason: 'numbers' }, seal);
    prev = sha256(line).toString('hex');
    lines.push(line);
  }
  return lines;
}

test('the page shows what is printed', (t) => {
  const good = bootOf('5a0c81a2-0000', 41_080, {
    isFiltered: (seq) => seq <= 900 || seq === 40_970 || seq === 40_971,
    gap: [12_044, 12_103],
  });
  const bad = bootOf('91b7e0d4-0000', 9 * SEAL_NUMBERS).filter(
    (line) =>
      !/"seq":(?:24600|2461[12]|3000[012]),/u.test(line) &&
      !(line.startsWith('{"type":"seal"') && line.endsWith('"seal":8}')),
  );
  const { verdicts } = verdictsOf([...good, ...bad], { pieceBytes: 2 ** 20 });
  const text = [...verdicts.flatMap(textOf), '1 of 2 streams complete', ''].join('\n');
  const page = readFileSync(path.join(ROOT, 'docs/completeness.md'), 'utf8');
  t.is(/^```\n(walrus .*?)^```$/msu.exec(page)![1], text);
});

const VERDICT: Verdict = {
  host_id: 'ab'.repeat(16),
  host: '',
  boot_id: undefined,
  stream: 'soc',
  complete: false,
  seals: 0,
  events: 1,
  filtered: 0,
  in_gaps: 0,
  gaps: [],
  problems: [],
  problem_count: 1,
  notes: [],
};
const RANGE = { from: 5, to: 9 };

const PROBLEMS: ReadonlyArray<readonly [Problem, string]> = [
  [
    { kind: 'lines_missing', seal: 3, ...RANGE, events: 0, sent: 5, gap_numbers: 0, gap: 0, others: 2 },
    'seal 3, 5–9: missing: 2 lines without a number',
  ],
  [
    { kind: 'lines_missing', seal: 3, ...RANGE, events: 1, sent: 1, gap_numbers: 2, gap: 2, others: 0 },
    'seal 3, 5–9: missing: 1 of 1 event, gaps for 2 of 2 numbers',
  ],
  [
    {
      kind: 'lines_missing',
      seal: 3,
      ...RANGE,
      events: 2,
      sent: 5,
      gap_numbers: 0,
      gap: 0,
      others: 0,
      numbers: [
        [5, 5],
        [7, 8],
      ],
      more: true,
    },
    'seal 3, 5–9: missing: 2 of 5 events (5, 7–8, …)',
  ],
  [{ kind: 'uncovered', ...RANGE, held: 0 }, 'no seal covers 5–9, with 0 events'],
  [
    { kind: 'uncovered', ...RANGE, held: 1, seals: [2, 4] },
    'no seal covers 5–9, with 1 event: seals 2 to 4 are missing',
  ],
  [{ kind: 'seals_missing', seals: [2, 2], from: 5 }, 'before 5: seal 2 is missing'],
  [{ kind: 'chain', seal: 3, from: 5, to: 4, reason: 'why' }, 'seal 3, no number (at 5): why'],
  [{ kind: 'changed', seal: 3, ...RANGE }, 'seal 3, 5–9: all lines are there, and one was changed: their sum differs'],
  [{ kind: 'arithmetic', seal: 3, ...RANGE, reason: 'why' }, 'seal 3, 5–9: it contradicts itself: why'],
  [
    { kind: 'no_seal', lines: 1 },
    'no whole seal for 1 line: the output writes none (stdout, http without a spool), or has not written one yet',
  ],
];
for (const [problem, text] of PROBLEMS)
  test(`the text of a problem: ${text}`, (t) => {
    t.deepEqual(textOf({ ...VERDICT, problems: [problem] }), [
      'host (abababab), boot unknown, stream soc',
      '  NOT COMPLETE: 1 problem; 0 seals; 1 event, 0 filtered, 0 in gaps',
      `    ${text}`,
    ]);
  });

const NOTES: ReadonlyArray<readonly [Note, string]> = [
  [{ kind: 'begins_with', seal: 3, from: 5 }, 'begins with seal 3, number 5; seals before it are not in the input'],
  [{ kind: 'begins_within', seal: 3, ...RANGE }, 'begins within seal 3, 5–9; judged from 10 on'],
  [
    { kind: 'not_watched', from: 5, to: 9 },
    '5–9: never given; the probe was loaded anew, and nothing was watched in between',
  ],
  [{ kind: 'chain_began_again', from: 5 }, 'the agent had lost its place: a further chain of seals begins at 5'],
  [
    { kind: 'surplus', seal: 3, ...RANGE, lines: 1 },
    'seal 3, 5–9: 1 line more than it covers, from before a crash of the agent or added; whether lines were changed cannot be seen',
  ],
  [
    { kind: 'unchecked', seals: 2, reason: 'rewritten' },
    '2 seals: whether lines were changed cannot be seen, since a store wrote them anew',
  ],
  [
    { kind: 'unchecked', seals: 1, reason: 'several_forms' },
    '1 seal: whether lines were changed cannot be seen, since the agent crashed and sealed twice',
  ],
  [
    { kind: 'unchecked', seals: 1, reason: 'moved' },
    '1 seal: whether lines were changed cannot be seen, since some are there under the number of another seal alone',
  ],
  [
    { kind: 'unsealed_lines', lines: 7 },
    'without the number of a seal: 7 lines, of an older version or an output that writes no seals',
  ],
];
for (const [note, text] of NOTES)
  test(`the text of a note: ${text}`, (t) => {
    t.deepEqual(textOf({ ...VERDICT, complete: true, problem_count: 0, notes: [note] }).slice(1), [
      '  complete: no number yet, 0 seals; 1 event, 0 filtered, 0 in gaps',
      `  ${text}`,
    ]);
  });

test('of many problems the first ones are shown, and the others counted', (t) => {
  const problems = Array.from({ length: 1000 }, (_, i): Problem => ({ kind: 'uncovered', from: i, to: i, held: 0 }));
  const text = textOf({ ...VERDICT, problems, problem_count: 1234 });
  t.is(text.length, 53);
  t.is(text.at(-1), '    and 1184 more; --json names 1000');
});
