import test from 'ava';
import { Marker } from '../../../../agent/delivery/seal/marker.ts';
import { Log } from '../../../../agent/delivery/log/log.ts';
import type { Mark } from '../../../../agent/events/mark.ts';
import type { SealEvent } from '../../../../agent/events/seal.ts';
import { Identified } from '../../../../agent/formats/identified.ts';
import { alertOf } from '../../../../agent/events/item.ts';
import { exec, gap } from '../../support/items.ts';
import { Gate, makeDelivery } from '../support.ts';
import { until } from '../spool/support.ts';
import { exactProblemsOf, problemsOf } from './check.ts';

const NUMBERING = { bootId: 'boot', firstSeq: 1, lastSeq: 9e9 };
const MINUTE = 60_000;

const format = new Identified({ hostId: 'a'.repeat(32), host: 'h', stream: 'test' });

const sealsIn = (lines: readonly string[]): SealEvent[] =>
  lines.map((line) => JSON.parse(line) as SealEvent).filter(({ type }) => type === 'seal');
const ranges = (lines: readonly string[]): string[] =>
  sealsIn(lines).map(
    ({ from, to, sent, filtered, gap: lost, reason }) => `${from}-${to} ${sent}+${filtered}+${lost} ${reason}`,
  );

/** A marker whose marks go nowhere. */
function alone() {
  const marks: Mark[] = [];
  const marker = new Marker({
    log: { mark: (mark) => void marks.push(mark) },
    facts: () => ({}),
    isNeeded: () => true,
  });
  return {
    marker,
    told: () => marks.splice(0).map(({ reason, through, next }) => [reason, through, next ?? 0].join(' ')),
  };
}

test('marks: after 4,096 numbers, a minute with some, five without, a reload and the end, each only with something new', (t) => {
  const { marker, told } = alone();
  marker.mark('stop');
  marker.tick(0);
  t.deepEqual(told(), [], 'nothing before the first number');
  marker.begin(NUMBERING);
  t.deepEqual(told(), ['probe -1 1']);
  marker.passed(1, 4095);
  t.deepEqual(told(), []);
  marker.passed(4096, 4096);
  marker.passed(4097, 4099);
  t.deepEqual(told(), ['numbers 4096 0']);
  const now = performance.now();
  marker.tick(now + MINUTE);
  marker.tick(now + 2 * MINUTE);
  marker.tick(now + 4 * MINUTE);
  t.deepEqual(told(), ['time 4099 0']);
  marker.tick(now + 5 * MINUTE);
  t.deepEqual(told(), ['idle 4099 0']);
  marker.mark('reload');
  marker.mark('stop');
  t.deepEqual(told(), []);
  marker.passed(4100, 4100);
  marker.mark('reload');
  marker.mark('stop');
  t.deepEqual(told(), ['reload 4100 0']);
  // In a replay for another output, marks say what is in the log again, not what once was.
  marker.passed(500, 600);
  marker.mark('reload');
  t.deepEqual(told(), ['reload 600 0']);
  // The same helper again; then its probe was loaded anew.
  marker.begin({ ...NUMBERING, firstSeq: 1 });
  t.deepEqual(told(), []);
  marker.begin({ ...NUMBERING, firstSeq: 700 });
  t.deepEqual(told(), ['probe 600 700']);
  marker.begin({ ...NUMBERING, bootId: 'next' }, 7);
  t.deepEqual(told(), ['probe 6 1']);
  marker.tick(now);
  t.deepEqual(told(), ['time 6 0'], 'what an earlier agent left unsealed');
  marker.close();
});

test('without an output that seals there are no marks, and an output that does not seal passes over them', async (t) => {
  const log = new Log();
  const marks: Mark[] = [];
  const unneeded = new Marker({
    log: { mark: (mark) => void marks.push(mark) },
    facts: () => ({}),
    isNeeded: () => false,
  });
  unneeded.begin(NUMBERING);
  unneeded.passed(1, 10_000);
  t.deepEqual([marks, log.memoryBytes], [[], log.memoryBytes]);
  unneeded.close();
  const { gate, log: own, start, append, delivery } = makeDelivery();
  await start();
  own.begin(NUMBERING);
  append([exec(1), exec(2)], 2);
  own.mark({ time: 't', reason: 'time', through: 2 });
  append([exec(3)], 3);
  own.mark({ time: 't', reason: 'time', through: 3 });
  await until(() => gate.taken.length === 3 && delivery.lagRecords === 0);
  t.is(gate.summary, '1 2 3');
  await delivery.close(Promise.resolve());
});

function sealing(options: { alertsOnly?: boolean; maxLagBytes?: number } = {}) {
  const gate = Object.assign(new Gate(), { format });
  const made = makeDelivery({ output: gate, seals: true, ...options });
  const marker = new Marker({ log: made.log, facts: () => ({ kernel_count: 5 }), isNeeded: () => true });
  const begin = (firstSeq = 1): void => {
    const numbering = { ...NUMBERING, firstSeq };
    marker.begin(numbering, made.log.begin(numbering));
  };
  const append = (items: Parameters<typeof made.append>[0], first: number, last: number): void => {
    made.append(items, last);
    marker.passed(first, last);
  };
  return { ...made, marker, begin, append };
}

test('a seal counts lines, what was left out and what gaps stand for; numbers that were never given are in none', async (t) => {
  const { gate, marker, begin, append, start, delivery } = sealing();
  await start();
  begin();
  append([exec(1), exec(3), gap(5, 9)], 1, 10);
  marker.mark('reload');
  append([exec(11)], 11, 12);
  // The probe is loaded anew, an hour later.
  begin(3_600_000_000);
  append([exec(3_600_000_001)], 3_600_000_000, 3_600_000_002);
  marker.mark('stop');
  await until(() => sealsIn(gate.taken).length === 3);
  t.deepEqual(ranges(gate.taken), ['1-10 2+3+5 reload', '11-12 1+1+0 probe', '3600000000-3600000002 1+2+0 stop']);
  t.deepEqual(exactProblemsOf(gate.taken), []);
  t.like(sealsIn(gate.taken)[2], { kernel_count: 5, seal: 3, lines: 1 });
  marker.close();
  await delivery.close(Promise.resolve());
});

test('an output for alerts: what is no alert was left out; it claims nothing in front of its first line or mark', async (t) => {
  const { gate, marker, begin, append, start, delivery } = sealing({ alertsOnly: true });
  await start();
  begin();
  append([exec(1), exec(2)], 1, 2);
  marker.mark('time');
  const event = exec(4);
  append([exec(3), alertOf({ ...event.event, rules: [] }, event), exec(5)], 3, 5);
  marker.mark('time');
  await until(() => sealsIn(gate.taken).length === 2);
  t.deepEqual(ranges(gate.taken), ['3-2 0+0+0 time', '3-5 1+2+0 time']);
  marker.close();
  await delivery.close(Promise.resolve());
});

test('an output that is overtaken loses marks as well: the next seal covers all, and the gap is in it', async (t) => {
  const { gate, marker, begin, append, start, delivery } = sealing({ maxLagBytes: 4000 });
  await start();
  begin();
  append([exec(1)], 1, 1);
  await until(() => gate.taken.length === 1);
  gate.hold();
  for (let n = 2; n < 60; n += 2) {
    append([exec(n)], n, n + 1);
    marker.mark('time');
  }
  gate.release();
  await until(() => sealsIn(gate.taken).at(-1)?.to === 59);
  t.deepEqual(
    problemsOf(gate.taken, (_, n) => n > 1 && n % 2 === 1),
    [],
  );
  t.true(sealsIn(gate.taken).some(({ gap: lost }) => lost > 5));
  t.deepEqual(exactProblemsOf(gate.taken), []);
  marker.close();
  await delivery.close(Promise.resolve());
});

test('what a receiver refuses is a gap of the same seal; a seal or a gap that is refused shows as a hole', async (t) => {
  const { gate, marker, begin, append, start, delivery } = sealing();
  await start();
  begin();
  gate.outcomes = [{ kind: 'refused', reason: 'bad', records: [1] }];
  append([exec(1), exec(2), exec(3)], 1, 3);
  marker.mark('time');
  await until(() => sealsIn(gate.taken).length === 1);
  t.deepEqual(ranges(gate.taken), ['1-3 2+0+1 time']);
  t.deepEqual(exactProblemsOf(gate.taken), []);
  gate.outcomes = [{ kind: 'refused', reason: 'bad', records: [0] }];
  marker.mark('idle');
  append([exec(4)], 4, 4);
  marker.mark('time');
  await until(() => sealsIn(gate.taken).length === 2);
  t.deepEqual(problemsOf(gate.taken), ['boot seal 3 (4-4): no seal 2 before it']);
  gate.outcomes = [
    { kind: 'refused', reason: 'bad', records: [0] },
    { kind: 'refused', reason: 'bad', records: [0] },
  ];
  append([exec(5)], 5, 5);
  marker.mark('time');
  await until(() => sealsIn(gate.taken).length === 3);
  t.deepEqual(ranges(gate.taken).at(-1), '5-5 0+0+1 time');
  t.is(exactProblemsOf(gate.taken).length, 1, 'the gap is not there');
  marker.close();
  await delivery.close(Promise.resolve()).catch(() => undefined);
});
