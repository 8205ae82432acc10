import { execFileSync } from 'node:child_process';
import test from 'ava';

/**
 * In a process of its own, which never rests: prints the size of its heap in MiB before it holds `OBJECTS`, while it does, and the
 * least that it has in the three seconds after it let go. V8 by itself waits for a rest of eight.
 */
const GROW_AND_LET_GO = `
import { getHeapStatistics } from 'node:v8';
import { setTimeout as delay } from 'node:timers/promises';
import { OwnMemory } from './agent/own-memory.ts';
const heap = () => getHeapStatistics().total_heap_size / 2 ** 20;
new OwnMemory(200);
await delay(500);
const before = heap();
let held = Array.from({ length: Number(process.env.OBJECTS) }, (_, i) => ({ i, text: 'text ' + i }));
const most = heap();
await delay(Number(process.env.HELD_MS));
held = held.slice(0, 10);
let least = Infinity;
for (const end = performance.now() + 3000; performance.now() < end; await delay(10)) least = Math.min(least, heap());
console.log(Math.round(before), Math.round(most), Math.round(least), held.length);
`;

const run = (objects: number, heldMs: number): { before: number; most: number; least: number } => {
  const printed = execFileSync(process.execPath, ['--import=tsx', '--input-type=module', '--eval', GROW_AND_LET_GO], {
    encoding: 'utf8',
    env: { ...process.env, OBJECTS: String(objects), HELD_MS: String(heldMs) },
  });
  const [before = Number.NaN, most = Number.NaN, least = Number.NaN] = printed.split(' ').map(Number);
  return { before, most, least };
};

const [onLinux, note] = process.platform === 'linux' ? [test, ''] : [test.skip, ' [skipped: Linux alone]'];

onLinux(`a process that has grown and never rests gives memory back${note}`, (t) => {
  // It is collected while it holds everything, too, and does not grow after that.
  const { most, least } = run(2_000_000, 500);
  t.true(most > 100, `${most} MiB`);
  t.true(least < most / 2, `${least} of ${most} MiB`);
});

onLinux(`it gives back garbage of less than 32 MiB${note}`, (t) => {
  const { before, most, least } = run(150_000, 0);
  t.true(most - before > 12 && most - before < 30, `${before} to ${most} MiB`);
  t.true(least - before < 8, `${before}, ${most}, ${least} MiB`);
});
