import test from 'ava';
import { Budget } from '../../../agent/enrichment/budget.ts';

test('a budget allows so much a second, and what goes beyond it is paid back first', (t) => {
  let now = 0;
  const budget = new Budget(10, undefined, () => now);
  for (let i = 0; i < 10; i++) {
    t.true(budget.isLeft);
    budget.spend(1);
  }
  t.false(budget.isLeft);
  now += 100;
  t.true(budget.isLeft);
  budget.spend(11);
  now += 900;
  t.false(budget.isLeft);
  now += 200;
  t.true(budget.isLeft);
  now += 1e6;
  t.true(budget.isLeft);
  budget.spend(10);
  t.false(budget.isLeft, 'nothing is saved up for longer than a second');
});

test('what is not used can be saved up to a bound', (t) => {
  let now = 0;
  const budget = new Budget(10, 100, () => now);
  budget.spend(100);
  t.false(budget.isLeft);
  now += 1e6;
  t.true(budget.isLeft);
  budget.spend(99);
  t.true(budget.isLeft);
  budget.spend(1);
  t.false(budget.isLeft);
});
