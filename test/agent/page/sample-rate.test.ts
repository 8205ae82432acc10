import test from 'ava';
import { RATE_SECONDS, SampleRate } from '../../../agent/page/sample-rate.ts';

test('a sample says of how many it is, over some seconds: one that is late changes nothing', (t) => {
  const rate = new SampleRate();
  t.is(rate.text, '');
  for (const leftOut of [14_800, 0, 29_600, 0, 29_600]) {
    rate.take(200, leftOut);
    rate.tick();
  }
  t.is(rate.text, 'showing 200 of 15,000 a second');
  for (let i = 0; i < RATE_SECONDS; i++) {
    rate.take(3, 0);
    rate.tick();
  }
  t.is(rate.text, 'all of 3.0 a second');
  for (let i = 0; i < RATE_SECONDS; i++) rate.tick();
  t.is(rate.text, '');
});

test('events from before are no rate', (t) => {
  const rate = new SampleRate();
  rate.take(5000, 0);
  rate.tick(false);
  t.is(rate.text, '');
  rate.take(10, 0);
  rate.tick();
  t.is(rate.text, 'all of 10 a second');
});
