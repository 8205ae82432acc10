import fc from 'fast-check';
import test from 'ava';
import { formatFamilies, type Family } from '../../../agent/metrics/text.ts';
import { parseMetrics } from '../../support/metrics.ts';

const family = (...samples: Family['samples']): Family => ({
  name: 'x_total',
  type: 'counter',
  help: 'Of x.',
  samples,
});

test('a family is its help, its type and a line for each series', (t) => {
  const text = formatFamilies([
    family([{ a: '1', b: '2' }, 3], [{ a: '2', b: '2' }, 0]),
    { name: 'y', type: 'gauge', help: 'A \\ and\na line.', samples: [[{}, 1.5e-7]] },
  ]);
  t.is(
    text,
    '# HELP x_total Of x.\n# TYPE x_total counter\nx_total{a="1",b="2"} 3\nx_total{a="2",b="2"} 0\n' +
      '# HELP y A \\\\ and\\na line.\n# TYPE y gauge\ny 1.5e-7\n',
  );
});

test('values that are not known are left out, and a family without any', (t) => {
  t.is(formatFamilies([family([{}, undefined])]), '');
  t.is(formatFamilies([family([{ a: 'x' }, undefined], [{ a: 'y' }, 1])]).split('\n')[2], 'x_total{a="y"} 1');
});

test('values that are no numbers have their names', (t) => {
  const text = formatFamilies([family([{ a: '1' }, NaN], [{ a: '2' }, Infinity], [{ a: '3' }, -Infinity])]);
  t.deepEqual(
    text
      .split('\n')
      .slice(2, 5)
      .map((line) => line.split(' ')[1]),
    ['NaN', '+Inf', '-Inf'],
  );
});

test('a label that is too long is cut, never in an escape, and series that become one are added up', (t) => {
  const long = '"'.repeat(1000);
  const [one, ...more] = parseMetrics(formatFamilies([family([{ a: `${long}1` }, 2], [{ a: `${long}2` }, 3])]));
  t.deepEqual(more, []);
  t.deepEqual(one, { name: 'x_total', labels: { a: '"'.repeat(200) }, value: 5 });
});

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 50 }),
  fc.string({ unit: fc.constantFrom('\\', '"', '\n', 'n'), maxLength: 50 }),
);

test('any text in a label comes back as it was', (t) => {
  fc.assert(
    fc.property(anyText, fc.integer(), (value, number) => {
      const bytes = Buffer.from(formatFamilies([family([{ a: value }, number])]));
      const [series] = parseMetrics(bytes.toString('utf8'));
      return series!.labels['a'] === Buffer.from(value).toString('utf8') && series!.value === number;
    }),
  );
  t.pass();
});
