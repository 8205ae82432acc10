import test from 'ava';
import { Generations } from '../../../agent/enrichment/generations.ts';

test('what was set is there, and the newest of it', (t) => {
  const map = new Generations<string, number>({ entries: 10 });
  map.set('a', 1);
  map.set('a', 2);
  t.is(map.get('a'), 2);
  t.is(map.get('b'), undefined);
  map.clear();
  t.is(map.get('a'), undefined);
});

test('entries are bounded; what is asked for now and then stays, the rest goes', (t) => {
  const map = new Generations<number, string>({ entries: 100 });
  for (let i = 0; i < 10_000; i++) {
    map.set(i, 'x');
    if (i >= 7) t.is(map.get(7), 'x');
    t.true(map.size <= 100);
  }
  t.is(map.get(9950), 'x');
  t.is(map.get(9000), undefined);
});

test('bytes are bounded as well, and a value that is replaced counts once', (t) => {
  const map = new Generations<number, string>({ entries: 1e9, bytes: 1000 }, (value) => value.length);
  for (let i = 0; i < 10_000; i++) {
    map.set(i, 'x'.repeat(i % 100));
    t.true(map.bytes <= 1000);
  }
  map.clear();
  for (let i = 0; i < 10_000; i++) map.set(1, 'x'.repeat(100));
  t.is(map.bytes, 100);
});
