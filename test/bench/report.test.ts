import test from 'ava';
import { markdown } from './document.ts';
import type { Pair } from './measure.ts';
import { comparisons, rowsOf, type Participant, type Results } from './report.ts';

const participant = (id: string, own: boolean): Participant => ({ id, title: id, command: id, version: '1', own });

/** @param added and `cpu` in microseconds an exec */
const pair = (observer: string, added: number, cpu: number): Pair => ({
  observer,
  shape: 'shape',
  round: 1,
  execs: 100,
  bare: 500_000,
  watched: 500_000 + added * 1000,
  bareCpu: 100_000,
  watchedCpu: 100_000,
  cpu: { [observer]: cpu * 1000 },
  kernelCpu: {},
  pss: { [observer]: 2 ** 20 },
  delivery: { told: 100, lost: 0, reported: 0, bare: 0, cut: 0, doubled: 0 },
});

const results = (isPaced: boolean): Results =>
  ({
    shapes: [{ id: 'shape', title: 'a shape', isPaced }],
    participants: [participant('ours', true), participant('other', false)],
    pairs: [pair('ours', 10, 20), pair('other', 50, 10)],
    peaks: {},
  }) as unknown as Results;

test('the summary of a storm begins with added time', (t) => {
  const [line] = comparisons(results(false));
  t.regex(
    line!,
    /^a shape: added time 10\.0 µs, \*\*0\.20 of\*\* .*; added processor time .*; processor time of the observer 20\.0 µs, \*\*not below, 2\.00 times\*\* /,
  );
});

test('that of a paced storm begins with the processor time of the observer', (t) => {
  const [line] = comparisons(results(true));
  t.regex(
    line!,
    /^a shape: processor time of the observer 20\.0 µs, \*\*not below, 2\.00 times\*\* .*; added time 10\.0 µs, \*\*0\.20 of\*\* /,
  );
  t.notRegex(line!, /added processor time/);
});

test('a row has the processor time of all processes of an observer, for each exec', (t) => {
  const [row] = rowsOf(results(false), 'shape');
  t.is(row?.cpu.median, 20);
  t.is(row?.added.median, 10);
  t.is(row?.execs, 100);
});

test('a page of storms alone keeps the sections of its parts; one that it never had says so', (t) => {
  const before = '# Benchmarks\n\nof before\n\n## Rules\n\nMeasured then.\n\n## Limits of these figures\n\nof before\n';
  const measured: Results = {
    ...results(false),
    date: '2030-01-02',
    commit: 'abc',
    options: { rounds: 1, execs: 100, arguments: '' },
    machine: { cores: 2, load: [0, 0, 0] } as unknown as Results['machine'],
    parts: { facts: { result: {}, section: '## Facts\n\nnew\n' } },
    failures: [],
  };
  const page = markdown(measured, before, [0, 0, 0]);
  t.true(
    page.includes(
      '\n## Rules\n\nMeasured then.\n\n## Formats\n\nNot measured: left out in this run\n\n## Facts\n\nMeasured 2030-01-02 at commit abc;',
    ),
  );
  t.false(page.includes('of before'));
  t.is(page.match(/^## Limits of these figures$/gm)?.length, 1);
  t.is(markdown({ ...measured, parts: {} }, page, [0, 0, 0]), page);
});
