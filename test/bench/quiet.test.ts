import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import { inCheckout } from '../../installers/tools/root-folder.ts';
import { requiring, root } from '../support/requirements.ts';
import { loadRows } from './document.ts';
import { BUSY_EXIT_CODE, BusyMachineError, requireQuiet, restUntilQuiet, type Load } from './quiet.ts';

/** A machine whose load falls by the given averages, one a look; the last one stays. */
function falling(...minutes: readonly number[]): { read: () => Load; waited: () => number; pause: typeof pause } {
  let [look, milliseconds] = [0, 0];
  const pause = async (time: number): Promise<void> => {
    milliseconds += time;
  };
  return {
    read: () => [minutes[Math.min(look++, minutes.length - 1)]!, 9, 9],
    waited: () => milliseconds / 1000,
    pause,
  };
}

test('a load of 0.5 is quiet, and a little more is not', (t) => {
  t.notThrows(() => requireQuiet([0.5, 3, 3]));
  const error = t.throws(() => requireQuiet([0.51, 0, 0]), { instanceOf: BusyMachineError });
  t.regex(error.message, /load average of one minute is 0\.51,.* Nothing was measured\. .* try again\.$/);
});

test('the bench rests until its own load has fallen', async (t) => {
  const machine = falling(3.2, 1.1, 0.4);
  t.deepEqual(await restUntilQuiet(machine.read, machine.pause), [0.4, 9, 9]);
  t.is(machine.waited(), 10);
});

test('the bench rests five minutes at most, then says that something else ran', async (t) => {
  const machine = falling(0.9);
  const error = await t.throwsAsync(restUntilQuiet(machine.read, machine.pause), { instanceOf: BusyMachineError });
  t.regex(error.message, /benchmarks\.md is unchanged: after 300 s of rest .* still 0\.90,/);
  t.is(machine.waited(), 300);
});

test('the page shows the load before the start and after the rest', (t) => {
  t.is(
    loadRows([0.1, 0.25, 1], [0.404, 2, 1.5]),
    '| load before (1, 5, 15 minutes) | 0.10, 0.25, 1.00 |\n| load after, when the bench had rested | 0.40, 2.00, 1.50 |',
  );
});

requiring(root)(`on a busy machine --write measures nothing, writes nothing, and exits with ${BUSY_EXIT_CODE}`, (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'probes-load-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const load = path.join(folder, 'loadavg');
  writeFileSync(load, '1.73 1.43 0.22 2/143 24904\n');
  const page = inCheckout('docs/benchmarks.md');
  const before = readFileSync(page);
  for (const only of [[], ['--only', 'rules'], ['--only', 'ours', '--quick']]) {
    const run = spawnSync(
      'unshare',
      ['-m', 'sh', '-ec', 'mount --bind "$0" /proc/loadavg; exec "$@"', load, process.execPath].concat(
        inCheckout('test/bench/bench.ts'),
        only,
        '--write',
      ),
      { encoding: 'utf8', timeout: 60_000 },
    );
    t.is(run.status, BUSY_EXIT_CODE, run.stderr);
    t.is(run.stdout, '');
    t.regex(run.stderr, /^\S+ --write: the machine is busy: .* 1\.73, /);
  }
  t.deepEqual(readFileSync(page), before);
});
