import test from 'ava';
import { NumberTally } from '../../../agent/control/numbers.ts';
import { execEvent, gapEvent } from '../../support/fake-helper.ts';
import { toItem } from '../support/items.ts';

test('events and gaps add up to the numbers that were given; filters do not matter, because it looks before them', (t) => {
  const tally = new NumberTally();
  t.is(tally.counts, undefined);
  tally.begin({ bootId: 'a', firstSeq: 1 });
  t.is(tally.counts, undefined);
  tally.take([execEvent(5), execEvent(6), gapEvent(7, 10), execEvent(11)].map(toItem));
  t.deepEqual(tally.counts, { boot_id: 'a', first: 5, through: 11, events: 3, lost: 4 });
});

test('it goes on with the same boot and probe, and begins anew with another', (t) => {
  const tally = new NumberTally();
  tally.begin({ bootId: 'a', firstSeq: 1 });
  tally.take([execEvent(1), execEvent(2)].map(toItem));
  tally.begin({ bootId: 'a', firstSeq: 1 });
  tally.take([execEvent(3)].map(toItem));
  t.like(tally.counts, { first: 1, through: 3, events: 3 });
  tally.begin({ bootId: 'a', firstSeq: 100 });
  tally.take([execEvent(100)].map(toItem));
  t.deepEqual(tally.counts, { boot_id: 'a', first: 100, through: 100, events: 1, lost: 0 });
  tally.begin({ bootId: 'b', firstSeq: 1 });
  t.is(tally.counts, undefined);
});
