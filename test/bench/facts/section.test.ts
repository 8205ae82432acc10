import test from 'ava';
import { factsSection } from './section.ts';

test('the figures are rows of the section, beside no facts, and what could not be measured is said', (t) => {
  const figures = [
    { enrich: 'none', micros: 0.5, bytes: 800 },
    { enrich: 'user', micros: 5.75, bytes: 1234.4 },
  ];
  const section = factsSection({ figures });
  t.true(section.includes('\n| none | 0.50 µs | 0.00 µs | 800 |\n'));
  t.true(section.includes('\n| user | 5.75 µs | 5.25 µs | 1,234 |\n'));
  t.is(factsSection({ missing: 'no time' }), '## Facts\n\nNot measured: no time\n');
});
