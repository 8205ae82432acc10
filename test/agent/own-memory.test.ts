import { execFileSync } from 'node:child_process';
import test from 'ava';

/**
 * In a process of its own, which never rests: prints the size of its heap in MiB while it holds much, and the least that it has
 * in the three seconds after it let go. V8 by itself waits for a rest of eight.
 */
const GROW_AND_LET_GO = `
import { getHeapStatistics } from 'node:v8';
import { setTimeout as delay } from 'node:timers/promises';
import { OwnMemory } from './agent/own-memory.ts';
const heap = () => getHeapStatistics().total_heap_size / 2 ** 20;
if (process.env.GIVES_BACK === 'yes') new OwnMemory(200);
await delay(500);
let held = Array.from({ length: 2_000_000 }, (_, i) => ({ i, text: 'text ' + i }));
const most = heap();
await delay(500);
held = held.slice(0, 10);
let least = Infinity;
for (const end = performance.now() + 3000; performance.now() < end; await delay(10)) least = Math.min(least, heap());
console.log(Math.round(most), Math.round(least), held.length);
`;

const run = (givesBack: string): number[] =>
  execFileSync(process.execPath, ['--import=tsx', '--input-type=module', '--eval', GROW_AND_LET_GO], {
    encoding: 'utf8',
    env: { ...process.env, GIVES_BACK: givesBack },
  })
    .split(' ')
    .map(Number);

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux(
  `a process that has grown and never rests gives memory back${process.platform === 'linux' ? '' : ' [skipped: Linux alone]'}`,
  (t) => {
    const [most, least] = run('yes');
    t.true(most! > 100, `${most} MiB`);
    t.true(least! < most! / 2, `${least} of ${most} MiB`);
  },
);
