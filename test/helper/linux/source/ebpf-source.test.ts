import test from 'ava';
import { KIND } from '../../../../helper/linux/source/record.ts';
import { execRecord } from '../../../support/exec-record.ts';
import { FakeKernel } from '../../../support/fake-kernel.ts';
import { Sensor } from '../../../support/sensor.ts';

/** Lets the kernel write whole records until the ring of 64 KiB holds more than a share of it. */
function fill(kernel: FakeKernel, share: number): void {
  const record = (): Buffer => execRecord({ cpu: 0, number: kernel.increment(KIND.exec, 'events') });
  const header = 8;
  for (let bytes = 0; bytes <= kernel.ringBytes * share;) {
    const next = record();
    kernel.output(next);
    bytes += header + next.length;
  }
}

test('there is room for fewer looks while what came since the last one takes no more than a quarter of the ring', (t) => {
  const kernel = new FakeKernel();
  const sensor = new Sensor(kernel);
  for (const [share, hasRoom] of [
    [0.1, true],
    [0.3, false],
    [0.2, true],
    [0.9, false],
    [0, true],
  ] as const) {
    fill(kernel, share);
    sensor.drain();
    t.is(sensor.hasRoom, hasRoom, `${share} of the ring`);
  }
});

test('of a look in several turns, the first one says so', (t) => {
  const kernel = new FakeKernel({ ringBytes: 1 << 18 });
  // A turn ends after an eighth of the backlog.
  const sensor = new Sensor(kernel, 1 << 17);
  fill(kernel, 0.4);
  let turns = 0;
  while (sensor.drainTurn()) {
    turns++;
    t.false(sensor.hasRoom);
  }
  t.true(turns > 2);
  t.false(sensor.hasRoom);
  fill(kernel, 0);
  sensor.drain();
  t.true(sensor.hasRoom);
});
