import test from 'ava';
import type { Libbpf } from '../../../../helper/linux/root/libbpf.ts';
import { COUNTERS, COUNTERS_BYTES, KINDS } from '../../../../helper/linux/layout.ts';
import { recoveredEvents, skippedRuns } from '../../../../helper/linux/root/skips.ts';

const COUNTERS_FD = 7;
const CPUS = 3;

/** A map of counters as the kernel answers for it: the first key behind the last gets ENOENT. */
const kernel = (recovered: (counter: number) => number): Libbpf =>
  ({
    lookup(fd: number, key: Buffer, value: Buffer): number {
      const counter = key.readUInt32LE();
      if (fd !== COUNTERS_FD || key.length !== 4 || value.length !== COUNTERS_BYTES) return -22;
      if (counter >= CPUS * KINDS) return -2;
      value.fill(0xee).writeBigUInt64LE(BigInt(recovered(counter)), COUNTERS.recovered);
      return 0;
    },
  }) as unknown as Libbpf;

test('recovered events are summed over every processor and kind', (t) => {
  t.is(
    recoveredEvents(
      kernel(() => 1),
      COUNTERS_FD,
    ),
    CPUS * KINDS,
  );
  const last = CPUS * KINDS - 1;
  t.is(
    recoveredEvents(
      kernel((counter) => (counter === last ? 2 ** 40 : 0)),
      COUNTERS_FD,
    ),
    2 ** 40,
  );
});

test('a descriptor whose description has no such count skipped nothing', (t) => {
  t.is(skippedRuns({ on_exec: 0, on_exec_second: 0 }), 0);
});
