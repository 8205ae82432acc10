import test from 'ava';
import { Detector } from '../../../agent/rules/detect.ts';
import { load, ruleText } from './support.ts';

const rule = (name: string, level: string): string =>
  ruleText(`s: {Image: /${name}}\ncondition: s`, `id: ${name}\nlevel: ${level}\n`);
const count = (name: string, of: string, level: string, more = ''): string =>
  `title: ${name}\nid: ${name}\nlevel: ${level}\ncorrelation: { type: event_count, rules: [${of}], timespan: 1m, condition: { gte: 2 }${more} }\n`;
const reported = (text: string): string[][] => {
  const detector = new Detector(load(text, { minLevel: 'medium' }));
  return [1, 2].map((time) => detector.observe({ Image: '/step' }, time).map(({ id }) => id));
};

test('a rule below the least level is not used', (t) => {
  const set = load(`${rule('a', 'low')}---\n${rule('b', 'medium')}`, { minLevel: 'medium' });
  t.deepEqual(
    set.rules.map(({ id }) => id),
    ['b'],
  );
  t.deepEqual(
    set.skipped.map(({ reason }) => reason),
    ['its level is low, below medium'],
  );
});

test('one that a correlation stands on feeds it, and does not report', (t) => {
  t.deepEqual(reported(`${rule('step', 'low')}---\n${count('burst', 'step', 'high')}`), [[], ['burst']]);
  t.deepEqual(reported(`${rule('step', 'low')}---\n${count('burst', 'step', 'high', ', generate: true')}`), [
    [],
    ['burst'],
  ]);
  t.deepEqual(
    reported(
      `${rule('step', 'low')}---\n${count('inner', 'step', 'low')}---\n${count('outer', 'inner', 'high').replace('gte: 2', 'gte: 1')}`,
    ),
    [[], ['outer']],
  );
});

test('a correlation below the least level is not used, nor what only it stands on', (t) => {
  const set = load(`${rule('step', 'low')}---\n${count('burst', 'step', 'low')}`, { minLevel: 'medium' });
  t.deepEqual([set.rules.length, set.correlations.length, set.skipped.length], [0, 0, 2]);
});
