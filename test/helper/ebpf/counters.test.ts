import test from 'ava';
import { KernelCounters } from '../../../helper/ebpf/counters.ts';
import { COUNTERS_FD, FakeKernel } from '../../support/fake-kernel.ts';

test('there is a counter for every processor and kind, more than one page of them too', (t) => {
  for (const cpus of [1, 2, 16, 17, 128]) {
    const kernel = new FakeKernel({ cpus });
    const counters = new KernelCounters(kernel.libc, COUNTERS_FD, cpus);
    t.is(counters.size, cpus * 4);
    kernel.increment(cpus * 4 - 1, 'lost');
    t.is(counters.lost(cpus * 4 - 1), 1);
    t.is(counters.all().findIndex(({ lost }) => lost === 1), cpus * 4 - 1);
  }
});

test('totals are the sums, field by field, as they are now', (t) => {
  const kernel = new FakeKernel({ cpus: 2 });
  const counters = new KernelCounters(kernel.libc, COUNTERS_FD, 2);
  t.deepEqual(counters.totals(), { events: 0, lost: 0, cut: 0 });
  for (let counter = 0; counter < 8; counter++) kernel.increment(counter, 'events');
  for (const counter of [0, 5, 7]) kernel.increment(counter, 'lost');
  kernel.increment(4, 'cut');
  t.deepEqual(counters.totals(), { events: 8, lost: 3, cut: 1 });
  t.deepEqual(counters.all().map(({ lost }) => lost), [1, 0, 0, 0, 0, 1, 0, 1]);
});
