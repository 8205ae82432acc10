import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { MAX_WATCHED_FOLDERS } from '../../../agent/detection/limits.ts';
import { RuleWatcher } from '../../../agent/detection/watcher.ts';

function setting(t: ExecutionContext, settleMs = { quiet: 300, most: 60_000 }) {
  const folder = mkdtempSync(join(tmpdir(), 'probes-watch-'));
  const changes: number[] = [];
  const unwatched: string[] = [];
  const watcher = new RuleWatcher({
    onChange: () => void changes.push(performance.now()),
    onUnwatched: (path) => void unwatched.push(path),
    settleMs,
  });
  t.teardown(() => {
    watcher.close();
    rmSync(folder, { recursive: true });
  });
  return { folder, changes, unwatched, watcher };
}

async function until(what: () => boolean): Promise<void> {
  for (let waited = 0; !what() && waited < 20_000; waited += 20) await delay(20);
}

test('many changes in one go are told once, when they have settled', async (t) => {
  const { folder, changes, watcher } = setting(t);
  watcher.watch([folder]);
  for (let i = 0; i < 20; i++) writeFileSync(join(folder, `${i}.yml`), '');
  await until(() => changes.length > 0);
  await delay(600);
  t.is(changes.length, 1);
  rmSync(join(folder, '3.yml'));
  await until(() => changes.length > 1);
  t.is(changes.length, 2);
});

test('changes without an end are told all the same', async (t) => {
  const { folder, changes, watcher } = setting(t, { quiet: 1000, most: 200 });
  watcher.watch([folder]);
  for (let i = 0; i < 30; i++) {
    writeFileSync(join(folder, 'a.yml'), String(i));
    await delay(30);
  }
  t.true(changes.length >= 2, String(changes.length));
});

test('what is watched is what was named last', async (t) => {
  const { folder, changes, watcher } = setting(t);
  mkdirSync(join(folder, 'inner'));
  watcher.watch([folder]);
  watcher.watch([join(folder, 'inner')]);
  writeFileSync(join(folder, 'a.yml'), '');
  await delay(600);
  t.is(changes.length, 0);
  writeFileSync(join(folder, 'inner/a.yml'), '');
  await until(() => changes.length > 0);
  watcher.close();
  writeFileSync(join(folder, 'inner/b.yml'), '');
  await delay(600);
  t.is(changes.length, 1);
});

test('folders that cannot be watched are named, and so is the first beyond the limit', (t) => {
  const { folder, unwatched, watcher } = setting(t);
  watcher.watch(['/no/such/folder']);
  watcher.watch([...Array.from({ length: MAX_WATCHED_FOLDERS }, () => folder), join(folder, 'one more')]);
  t.deepEqual(unwatched, ['/no/such/folder', join(folder, 'one more')]);
});
