import test from 'ava';
import { storeSection } from './section.ts';

test('the figures of the store are in the section, and what could not be measured is said', (t) => {
  const section = storeSection({
    events: 5_000_000,
    partitions: 7,
    bytes: 1300,
    lineBytes: 1000,
    perSecond: 15_000,
    micros: 70.25,
    load: 3.456,
    processors: 2,
    heldUp: { thread: 3.4, without: 402 },
    questions: [{ title: 'a rare word', p50: 1.25, p99: 9 }],
    duckdb: { megabytes: 900, seconds: 2, version: '1.5' },
  });
  for (const part of [
    'with 5,000,000 events in 7 files',
    '| 3.5, with 2 processors |',
    '| 15,000 |',
    '| 14,235 |',
    '70.3 µs',
    '1,300 bytes, 1.30 times the line',
    '3 ms; without the thread of the store 402 ms',
    '| a rare word | 1.3 ms | 9.0 ms |',
    'read a file of 900 MB with events as JSON lines in 2.0 s: 450 MB a second',
  ])
    t.true(section.includes(part), `${part} is not in\n${section}`);
  t.is(storeSection({ missing: 'no disk' }), '## Store\n\nNot measured: no disk\n');
});
