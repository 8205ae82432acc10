import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import { KINDS } from '../../../../helper/linux/layout.ts';
import { KernelCounters, SkippedRuns } from '../../../../helper/linux/source/counters.ts';
import { COUNTERS_FD, FakeKernel } from '../../../support/fake-kernel.ts';

test('there is a counter for every processor and kind, more than one page of them too', (t) => {
  for (const cpus of [1, 2, 16, 17, 128]) {
    const kernel = new FakeKernel({ cpus });
    const counters = new KernelCounters(kernel.libc, COUNTERS_FD, cpus);
    t.is(counters.size, cpus * KINDS);
    kernel.increment(cpus * KINDS - 1, 'lost');
    t.is(counters.lost(cpus * KINDS - 1), 1);
    t.is(
      counters.all().findIndex(({ lost }) => lost === 1),
      cpus * KINDS - 1,
    );
  }
});

test('totals are the sums, field by field, as they are now', (t) => {
  const kernel = new FakeKernel({ cpus: 2 });
  const counters = new KernelCounters(kernel.libc, COUNTERS_FD, 2);
  t.deepEqual(counters.totals(), { events: 0, lost: 0, cut: 0, recovered: 0 });
  for (let counter = 0; counter < 2 * KINDS; counter++) kernel.increment(counter, 'events');
  for (const counter of [0, 5, 9]) kernel.increment(counter, 'lost');
  kernel.increment(4, 'cut');
  for (const counter of [0, 6]) kernel.increment(counter, 'recovered');
  t.deepEqual(counters.totals(), { events: 10, lost: 3, cut: 1, recovered: 2 });
  t.deepEqual(
    counters.all().map(({ lost }) => lost),
    [1, 0, 0, 0, 0, 1, 0, 0, 0, 1],
  );
});

test('what the first program was skipped for and a further one told is not missing; the rest is, one call later', (t) => {
  const kernel = new FakeKernel({ cpus: 2 });
  const folder = mkdtempSync(path.join(tmpdir(), 'probes-fdinfo-'));
  const tell = (fd: number, misses: string): void =>
    writeFileSync(path.join(folder, String(fd)), `prog_type:\t26\n${misses}`);
  try {
    for (const fd of [7, 8, 9, 10]) tell(fd, 'recursion_misses:\t0\n');
    const programs = { on_exec: 7, on_exec_second: 8, on_exec_third: 9, on_exit: 10 };
    const skipped = new SkippedRuns(programs, new KernelCounters(kernel.libc, COUNTERS_FD, 2), folder);
    t.is(skipped.total(), 0);
    tell(7, 'recursion_misses:\t5\n');
    tell(8, 'recursion_misses:\t4\n');
    tell(10, 'recursion_misses:\t1\n');
    t.is(skipped.total(), 0, 'a further program may still be about to tell');
    for (const counter of [0, 4, 4]) kernel.increment(counter, 'recovered');
    t.is(skipped.total(), 3);
    t.is(skipped.total(), 3);
    for (const fd of [7, 10]) tell(fd, '');
    skipped.total();
    t.is(skipped.total(), -3, 'a kernel that does not tell skips nothing');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
