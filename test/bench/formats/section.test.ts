import test from 'ava';
import { formatsSection } from './section.ts';

test('the figures are rows of the section, beside native, and what could not be measured is said', (t) => {
  const figures = [
    { format: 'native', micros: 0.5, garbage: 200, bytes: 800 },
    { format: 'ecs', micros: 5.75, garbage: 6543.2, bytes: 1600 },
  ];
  const section = formatsSection({ figures });
  t.true(section.includes('\n| native | 0.50 µs | 0.00 µs | 200 | 800 (1.0 times) |\n'));
  t.true(section.includes('\n| ecs | 5.75 µs | 5.25 µs | 6,543 | 1,600 (2.0 times) |\n'));
  t.is(formatsSection({ missing: 'no time' }), '## Formats\n\nNot measured: no time\n');
});
