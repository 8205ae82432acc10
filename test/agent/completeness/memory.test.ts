import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { Budget, TooMuchError } from '../../../agent/completeness/budget.ts';
import { Input } from '../../../agent/completeness/input.ts';
import { judgeAll } from '../../../agent/completeness/judge.ts';
import { Ledger } from '../../../agent/completeness/ledger.ts';
import { LineReader } from '../../../agent/completeness/line-reader.ts';

const LIMIT_BYTES = 48 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Memory in use, in bytes. The collector gives buffers back on threads of its own: read it until it no longer falls. */
async function usedBytes(): Promise<number> {
  let least = Infinity;
  for (let steady = 0; steady < 5; steady++) {
    collect();
    await sleep(10);
    const { heapUsed, external } = process.memoryUsage();
    if (heapUsed + external < least - 65_536) steady = 0;
    least = Math.min(least, heapUsed + external);
  }
  return least;
}

const TIME = '2026-11-29T02:00:00.000Z';
const ended = (event: object, { host = 'a', seal = 1 }: { host?: string; seal?: number } = {}): string =>
  JSON.stringify({ ...event, host_id: host, host: 'walrus', boot_id: 'b', stream: 'lake', schema_version: 1, seal });
const sealAt = (from: number, to: number, count: number): object => ({
  type: 'seal',
  time: TIME,
  from,
  to,
  sent: count,
  filtered: to - from + 1 - count,
  gap: 0,
  lines: count,
  sum: 1,
  prev: 'f'.repeat(64),
  reason: 'numbers',
});

/** Lines that each make something new to remember. */
const HOSTILE: Readonly<Record<string, (i: number) => string>> = {
  'a host of its own on each line': (i) => ended({ pid: 1, seq: 1 }, { host: `host-${i}` }),
  'the same, written anew by a store': (i) => `{"seal":1,"seq":1,"stream":"s","host_id":"${i}"}`,
  'numbers far from each other': (i) => ended({ pid: 1, seq: i * 5000 }),
  'a seal of its own on each line': (i) => ended({ pid: 1, seq: 1 }, { seal: i + 1 }),
  'seals without lines': (i) => ended(sealAt(i * 10, i * 10 + 9, 0), { seal: i + 1 }),
  'gaps': (i) => ended({ type: 'gap', time: TIME, hop: 'ring', first: i, last: i, count: 1, cause: `cause ${i}` }),
  'steps of the clock': (i) => ended({ type: 'clock', time: TIME, from: TIME, to: TIME, from_seq: i }),
  'names of hosts that change': (i) => ended({ pid: 1, seq: 1 }).replace('walrus', `walrus-${i}`),
};

for (const [title, lineOf] of Object.entries(HOSTILE))
  test.serial(`memory stays within its bound: ${title}`, async (t) => {
    const before = await usedBytes();
    const ledger = new Ledger(new Budget(LIMIT_BYTES));
    const reader = new LineReader(new Input(ledger));
    const error = t.throws(
      () => {
        for (let i = 0; i < 3_000_000; i += 500)
          reader.push(Buffer.from(Array.from({ length: 500 }, (_, j) => `${lineOf(i + j)}\n`).join('')));
      },
      { instanceOf: TooMuchError },
    );
    t.regex(error.message, /^the input needs more than 48 MiB of memory; split it by host or boot/u);
    const used = (await usedBytes()) - before;
    t.true(used < 1.3 * LIMIT_BYTES, `${title}: ${Math.round(used / 1024 / 1024)} MiB`);
    t.true(used > LIMIT_BYTES / 8, `${title}: the costs are far too high, ${Math.round(used / 1024 / 1024)} MiB`);
    t.true(ledger.streams.size > 0);
  });

test.serial('bad lines are counted, and only the first ones are kept', (t) => {
  const input = new Input(new Ledger(new Budget()));
  const reader = new LineReader(input);
  for (let i = 0; i < 1000; i++) reader.push(Buffer.from('nonsense\n{"seq":1}\n'));
  t.deepEqual(
    [...input.faults],
    [
      ['not_json', 1000],
      ['no_identity', 1000],
    ],
  );
  t.is(input.faulty.length, 40);
});

test.serial(
  'seals that overlap a thousand times over many numbers are judged without looking through them for each',
  (t) => {
    const ledger = new Ledger(new Budget());
    const reader = new LineReader(new Input(ledger));
    const push = (lines: readonly string[]): void =>
      reader.push(Buffer.from(lines.map((line) => `${line}\n`).join('')));
    for (let block = 0; block < 40; block++)
      push(Array.from({ length: 5000 }, (_, i) => ended({ pid: 1, seq: (block * 5000 + i) * 1024 }, { seal: 30_000 })));
    const most = 200_000 * 1024;
    for (let i = 0; i < 40; i++)
      push(Array.from({ length: 500 }, (_, j) => ended(sealAt(0, most, most + 1), { seal: 1 + i * 500 + j })));
    // Looking through all blocks for each seal would take an hour.
    const [verdict] = [...judgeAll(ledger, { whole: false })];
    t.false(verdict!.complete);
    t.is(verdict!.problems.length, 1000);
    t.true(verdict!.problem_count >= 19_999);
  },
);
