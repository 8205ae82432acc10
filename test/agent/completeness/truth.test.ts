import test from 'ava';
import { lose } from '../../support/lost-rows.ts';
import { keyOf, randomFrom, sealedStreams, shuffled } from '../../support/sealed-streams.ts';
import { keyOfVerdict, problemsOf, verdictsOf } from './support.ts';

const SEEDS = Array.from({ length: 100 }, (_, i) => i + 1);

test('100 fleets of which nothing is missing, in any order: no alarm', (t) => {
  let [streams, restarts, surplus, forms, jumps] = [0, 0, 0, 0, 0];
  for (const seed of SEEDS) {
    const rows = sealedStreams({ seed });
    for (const order of [rows, shuffled(rows, randomFrom(seed))]) {
      const { verdicts, input } = verdictsOf(order.map(({ text }) => text));
      t.deepEqual(input.faulty, []);
      t.is(verdicts.length, 12);
      for (const verdict of verdicts) {
        t.deepEqual(verdict.problems, [], `${seed} ${keyOfVerdict(verdict)}`);
        t.true(verdict.complete);
        t.is(verdict.complete_to, verdict.sealed_to);
        const jumped = verdict.notes.reduce(
          (sum, note) => sum + (note.kind === 'not_watched' ? note.to - note.from + 1 : 0),
          0,
        );
        jumps += jumped;
        t.is(verdict.events + verdict.filtered + verdict.in_gaps + jumped, verdict.sealed_to! - verdict.from! + 1);
        streams++;
        for (const { kind } of verdict.notes) {
          if (kind === 'chain_began_again') restarts++;
          if (kind === 'surplus') surplus++;
          if (kind === 'unchecked') forms++;
        }
      }
    }
  }
  t.is(streams, 2400);
  t.true(restarts > 100 && surplus > 100 && forms > 100, 'agents crashed and lost their places');
  t.true(jumps > 1000, 'probes were loaded anew');
});

test('100 fleets of which rows are taken away: exactly what they damage is named', (t) => {
  const found = { lines_missing: 0, uncovered: 0, seals_missing: 0 };
  for (const seed of SEEDS) {
    const random = randomFrom(seed + 1000);
    const { rows, expected } = lose(sealedStreams({ seed }), random, 24);
    const { verdicts } = verdictsOf(
      shuffled(rows, random).map(({ text }) => text),
      { whole: true },
    );
    for (const damage of expected) {
      const verdict = verdicts.find((each) => keyOfVerdict(each) === damage.key)!;
      const where = `seed ${seed}, ${damage.key}`;
      if (damage.first === undefined) {
        t.deepEqual(
          verdict.problems.map(({ kind }) => kind),
          ['no_seal'],
          where,
        );
        continue;
      }
      const missing = problemsOf(verdict, 'lines_missing');
      t.deepEqual(
        missing
          .map(({ seal, from, to, events, gap_numbers: gaps, others }) =>
            [seal, from, to, events, gaps, others].join(' '),
          )
          .toSorted(),
        damage.byNumber,
        where,
      );
      found.lines_missing += missing.length;
      const beginning = problemsOf(verdict, 'seals_missing').filter(({ seals }) => seals[0] === 1);
      t.is(beginning.length, damage.first > 1 ? 1 : 0, where);
      const holes = problemsOf(verdict, 'uncovered').filter(({ from }) => from >= verdict.from!);
      found.uncovered += holes.length;
      t.deepEqual(
        holes.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i)),
        damage.uncovered,
        where,
      );
      if (!damage.isRough) {
        const lost = [...holes, ...problemsOf(verdict, 'seals_missing')]
          .filter((each) => !beginning.includes(each as never))
          .flatMap(({ seals }) => (seals === undefined ? [] : [...seals]))
          .flatMap((seal, i, all) =>
            i % 2 === 0 ? Array.from({ length: all[i + 1]! - seal + 1 }, (_, j) => seal + j) : [],
          );
        found.seals_missing += lost.length;
        t.deepEqual(
          lost.toSorted((a, b) => a - b),
          [...damage.lostSeals],
          where,
        );
      }
      t.deepEqual(problemsOf(verdict, 'changed'), [], where);
      // After a crash the same range can have two seals. If the one that the next names is lost, the other does not fit.
      if (!damage.isRough) t.deepEqual(problemsOf(verdict, 'chain'), [], where);
      const isDamaged = damage.byNumber.length > 0 || damage.uncovered.length > 0 || damage.first > 1;
      if (!damage.isRough) t.is(verdict.complete, !isDamaged && damage.lostSeals.length === 0, where);
      // Nothing that is damaged lies in what is called complete.
      const damaged = [...damage.uncovered, ...damage.byNumber.map((text) => Number(text.split(' ')[1]))];
      t.true(
        damaged.every((number) => number > (verdict.complete_to ?? 0)),
        where,
      );
    }
  }
  t.true(found.lines_missing > 500 && found.uncovered > 100 && found.seals_missing > 100, JSON.stringify(found));
});

test('the numbers that are missing are named where nothing was filtered', (t) => {
  let named = 0;
  for (const seed of SEEDS) {
    const rows = sealedStreams({ seed, hosts: 1, boots: 1, rough: false });
    const { rows: left } = lose(rows, randomFrom(seed), 6);
    const there = new Set(left.map(({ text }) => text));
    const gone = rows.filter(({ text }) => !there.has(text));
    for (const verdict of verdictsOf(left.map(({ text }) => text)).verdicts) {
      for (const { from, to, numbers, seal, events } of problemsOf(verdict, 'lines_missing')) {
        if (numbers === undefined) continue;
        named++;
        const expected = gone.flatMap(({ what, origin, seal: of }) =>
          what.is === 'event' && of === seal && keyOf(origin) === keyOfVerdict(verdict) ? [what.seq] : [],
        );
        const all = numbers.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
        t.deepEqual(all, [...new Set(expected)]);
        t.is(all.length, events);
        t.true(all.every((number) => number >= from && number <= to));
      }
    }
  }
  t.true(named > 20);
});

test('files whose oldest lines were removed: no alarm, wherever the cut lies', (t) => {
  let judged = 0;
  const begins = { with: 0, within: 0 };
  for (const seed of SEEDS) {
    const rows = sealedStreams({ seed, hosts: 1, boots: 1, rough: false }).map(({ text }) => text);
    for (const share of [0.1, 0.33, 0.5, 0.8]) {
      const left = rows.slice(Math.floor(rows.length * share));
      for (const verdict of verdictsOf(left).verdicts) {
        const { problems } = verdict;
        // The first seal of a boot has none before it: then the cut and a loss look the same.
        if (problems.some((problem) => problem.kind === 'lines_missing' && problem.seal === 1)) continue;
        judged++;
        const kinds = verdict.notes.map(({ kind }) => kind);
        begins.with += kinds.filter((kind) => kind === 'begins_with').length;
        begins.within += kinds.filter((kind) => kind === 'begins_within').length;
        const nothing = problems.length === 1 && problems[0]!.kind === 'no_seal';
        t.true(problems.length === 0 || nothing, `${seed} ${share} ${JSON.stringify(problems)}`);
      }
    }
  }
  t.true(judged > 600);
  t.true(begins.with > 10 && begins.within > 300, JSON.stringify(begins));
});

test('lines in front of the first seal, whose own seals are lost, are named', (t) => {
  for (const seed of SEEDS) {
    const rows = sealedStreams({ seed, hosts: 1, boots: 1, rough: false });
    const left = rows.filter(({ what, seal }) => what.is !== 'seal' || seal > 2);
    for (const verdict of verdictsOf(left.map(({ text }) => text)).verdicts) {
      const before = rows.flatMap(({ what, seal, origin }) =>
        what.is === 'event' && seal <= 2 && keyOf(origin) === keyOfVerdict(verdict) ? [what.seq] : [],
      );
      const [problem, ...others] = problemsOf(verdict, 'uncovered');
      t.deepEqual(others, []);
      t.like(problem, { from: Math.min(...before), to: verdict.from! - 1, held: new Set(before).size });
      t.true(problem!.seals![1] === 2 && verdict.complete_to === undefined);
    }
  }
});

test('lines behind the last seal, of which the seals before them are lost, are named', (t) => {
  let found = 0;
  for (const seed of SEEDS) {
    const rows = sealedStreams({ seed, hosts: 1, boots: 1, rough: false });
    for (const { stream } of [rows[0]!, rows.at(-1)!].map(({ origin }) => origin)) {
      const mine = rows.filter(({ origin }) => origin.stream === stream);
      const open = Math.max(...mine.map(({ seal }) => seal));
      const kept = 1 + (seed % (open - 2));
      const behind = mine.filter(({ seal, what }) => seal === open && what.is !== 'seal' && what.is !== 'clock');
      if (behind.length === 0) continue;
      const left = [...mine.filter(({ seal }) => seal <= kept), ...behind];
      for (const order of [left, shuffled(left, randomFrom(seed))]) {
        const [verdict] = verdictsOf(order.map(({ text }) => text)).verdicts;
        const missing = [kept + 1, open - 1];
        t.like(verdict!.problems, { length: 1, 0: { kind: 'seals_missing', seals: missing } } as object, String(seed));
        t.is(verdict!.complete_to, verdict!.sealed_to);
      }
      found++;
    }
  }
  t.true(found > 100);
});

const EMPTY_SEAL = {
  type: 'seal',
  time: '2026-11-29T02:00:00.000Z',
  sent: 0,
  filtered: 1,
  gap: 0,
  lines: 0,
  sum: 0,
  reason: 'numbers',
  host_id: 'a',
  host: 'b',
  boot_id: 'c',
  stream: 'd',
};

test('of ever so many seals that leave holes, each hole counts', (t) => {
  const seals = 150_000;
  const lines = Array.from({ length: seals }, (_, i) =>
    JSON.stringify({
      ...EMPTY_SEAL,
      ...(i > 0 && { prev: '0'.repeat(64) }),
      from: i * 2,
      to: i * 2,
      seal: i + 1,
    }),
  );
  const [verdict] = verdictsOf(lines, { pieceBytes: 2 ** 20 }).verdicts;
  t.like(verdict, { complete: false, problem_count: seals - 1, sealed_to: 2 * seals - 2 });
});

test('a stream of which only a part of one seal is there proves nothing', (t) => {
  const rows = sealedStreams({ seed: 5, hosts: 1, boots: 1, rough: false });
  const { origin } = rows[0]!;
  const third = rows.filter((row) => row.origin === origin && row.seal === 3);
  t.true(third.length > 4);
  const [whole, part] = [third, third.slice(2)].map((lines) => verdictsOf(lines.map(({ text }) => text)).verdicts[0]!);
  t.true(whole!.complete);
  t.deepEqual(
    part!.problems.map(({ kind }) => kind),
    ['no_seal'],
  );
  t.is(part!.complete_to, undefined);
});

test('a line that was changed is noticed, and so is a seal', (t) => {
  for (const seed of SEEDS) {
    const random = randomFrom(seed);
    const rows = sealedStreams({ seed, hosts: 1, boots: 1, rough: false });
    const judged = (changed: readonly string[]) => verdictsOf(changed).verdicts.flatMap(({ problems }) => problems);
    const sealed = rows.filter(({ seal, origin, what }) =>
      rows.some(
        (other) => other.seal === seal + 1 && other.origin === origin && other.what.is === 'seal' && what.is !== 'seal',
      ),
    );
    const victim = sealed[Math.floor(random() * sealed.length)]!;
    const change = (text: string): string =>
      text.replace(/"(?:command|time)":"./u, (found) => `${found.slice(0, -1)}~`);
    const lines = rows.map(({ text }) => (text === victim.text && victim.what.is === 'event' ? change(text) : text));
    if (victim.what.is === 'event')
      t.like(judged(lines), { length: 1, 0: { kind: 'changed', seal: victim.seal } } as object, String(seed));

    const seals = rows.filter(
      ({ what, seal, origin }) =>
        what.is === 'seal' &&
        rows.some((other) => other.what.is === 'seal' && other.seal === seal + 1 && other.origin === origin),
    );
    const forged = seals[Math.floor(random() * seals.length)]!;
    const changed = forged.text.replace(/"kernel_count":\d+/u, '"kernel_count":1');
    t.like(
      judged(rows.map(({ text }) => (text === forged.text ? changed : text))),
      { length: 1, 0: { kind: 'chain', seal: forged.seal + 1 } } as object,
      String(seed),
    );
  }
});

test('a line that was changed, and stands under the number of another seal or none, is told', (t) => {
  for (const seed of SEEDS) {
    const random = randomFrom(seed);
    const rows = sealedStreams({ seed, hosts: 1, boots: 1, rough: false });
    const sealed = new Set(
      rows.flatMap(({ what, seal, origin }) => (what.is === 'seal' ? [keyOf(origin) + seal] : [])),
    );
    const events = rows.filter(({ what, seal, origin }) => what.is === 'event' && sealed.has(keyOf(origin) + seal));
    const victim = events[Math.floor(random() * events.length)]!;
    const end = ['"seal":1}', '"seal":99}', '"other":1}'][seed % 3]!;
    if (end === `"seal":${victim.seal}}`) continue;
    const changed = victim.text.replace('"timestamp":1', '"timestamp":2').replace(/"seal":\d+\}$/u, end);
    const { verdicts } = verdictsOf(rows.map(({ text }) => (text === victim.text ? changed : text)));
    const verdict = verdicts.find((each) => keyOfVerdict(each) === keyOf(victim.origin))!;
    const isTold = verdict.notes.some((note) => note.kind === 'unchecked' && note.reason === 'moved');
    t.true(isTold || !verdict.complete, String(seed));
  }
});
