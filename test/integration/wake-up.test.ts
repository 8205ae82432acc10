import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { mapPin } from '../../helper/linux/root/pins.ts';
import { QUIET_MS } from '../../helper/limits.ts';
import { fixture } from '../support/fixtures.ts';
import { startHelper, type RunningHelper } from '../support/helper-process.ts';
import { linesFrom } from '../support/lines.ts';
import { PATIENCE } from '../support/pace.ts';
import { endWithUs } from '../support/reaper.ts';
import { kernelTest } from '../support/requirements.ts';
import { run } from '../support/session.ts';

const socket = `/run/platform-probes-wake-${process.pid}/events.sock`;
const pins = path.join('/sys/fs/bpf', path.basename(path.dirname(socket)));
const ring = path.join(pins, mapPin('ring'));
let helper: RunningHelper | undefined;
let sleeper: ChildProcess | undefined;

test.afterEach.always(async () => {
  helper?.process.kill('SIGCONT');
  sleeper?.kill('SIGKILL');
  await helper?.stop();
  rmSync(pins, { recursive: true, force: true });
});

/** The lines that a process has printed so far, and how it ended. */
function wordsOf(child: ChildProcess): readonly string[] {
  const words = linesFrom(child.stdout, child.stderr);
  child.on('close', (code, signal) => words.push(`ended with ${code ?? signal}`));
  return words;
}

/** Whether it comes to hold in time. */
async function holds(found: () => boolean, seconds: number): Promise<boolean> {
  for (let waited = 0; !found() && waited < seconds * 1000 * PATIENCE; waited += 10) await delay(10);
  return found();
}

kernelTest('a reader that sleeps on an empty ring is woken by the next exec', async (t) => {
  const { process: reader } = (helper = await startHelper(['--pin'], { socket }));
  sleeper = spawn(fixture('ring-sleeper'), [ring], { stdio: 'pipe' });
  endWithUs(sleeper);
  const words = wordsOf(sleeper);
  await holds(() => words.length > 0, 10);
  t.deepEqual(words, ['ready']);
  // Other programs of the machine can come in between: then nobody sleeps, or the time was not quiet.
  for (let tries = 0; words.at(-1) !== 'woken' && tries < 20; tries++) {
    await delay(2 * QUIET_MS);
    // It has read the ring empty and now stands still, so that nobody else reads what comes next.
    reader.kill('SIGSTOP');
    const said = words.length;
    if (words.at(-1) !== 'asleep') sleeper.stdin?.write('.');
    await holds(() => words.length > said || words.at(-1) === 'asleep', 10);
    await delay(QUIET_MS);
    if (words.at(-1) === 'asleep') {
      await run('/bin/true');
      await holds(() => words.at(-1) === 'woken', 1);
    }
    reader.kill('SIGCONT');
  }
  t.is(words.at(-1), 'woken');
});
