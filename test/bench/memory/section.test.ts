import test from 'ava';
import { memorySection } from './section.ts';

const MIB = 2 ** 20;
const sample = (seconds: number, agent: number) => ({
  seconds,
  helper: 50 * MIB,
  buffers: 24 * MIB,
  agent: agent * MIB,
});

test('each run has a row before, during and after the load, and the highest of all looks', (t) => {
  const section = memorySection({
    load: { rate: 400, images: 3000, users: 5000 },
    runs: [
      { rules: 0, loadSeconds: 60, execs: 24_000, samples: [sample(0, 30), sample(59, 34.5), sample(61, 33)] },
      {
        rules: 144,
        loadSeconds: 240,
        execs: 96_000,
        samples: [sample(0, 60), sample(85, 90), sample(90, 61), sample(241, 62.25)],
      },
    ],
  });
  t.deepEqual(
    section.split('\n').filter((line) => line.startsWith('| ')),
    [
      '| | helper | agent | both | of it ring and backlog | both without these |',
      '| no rules, before the load | 50.0 | 30.0 | **80.0** | 24.0 | 56.0 |',
      '| no rules, after 60 s of load | 50.0 | 33.0 | **83.0** | 24.0 | 59.0 |',
      '| 144 rules, before the load | 50.0 | 60.0 | **110.0** | 24.0 | 86.0 |',
      '| 144 rules, after 90 s of load | 50.0 | 61.0 | **111.0** | 24.0 | 87.0 |',
      '| 144 rules, after 240 s of load | 50.0 | 62.3 | **112.3** | 24.0 | 88.3 |',
    ],
  );
  t.true(section.includes('The most at any look: without rules 84.5 MiB (3 looks); with rules 140.0 MiB (4 looks).'));
  t.false(section.includes('Not measured'));
});

test('what could not be measured is said', (t) => {
  t.is(memorySection({ missing: 'no root' }), '## Memory\n\nNot measured: no root\n');
  const section = memorySection({
    load: { rate: 400, images: 3000, users: 5000 },
    runs: [{ rules: 0, loadSeconds: 60, execs: 24_000, samples: [sample(0, 30)] }],
  });
  t.true(section.endsWith('\n\nNot measured with rules: none are here.\n'));
});
