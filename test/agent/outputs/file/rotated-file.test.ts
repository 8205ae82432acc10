import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { RotatingFile } from '../../../../agent/outputs/file/rotating-file.ts';

/** A file whose disk takes its time: each `datasync` ends when the test says so. */
async function withSlowDisk(
  t: ExecutionContext,
  use: (file: RotatingFile, path: string, syncs: PromiseWithResolvers<void>[]) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'probes-rotated-'));
  const events = path.join(folder, 'events.jsonl');
  const any = await open(path.join(folder, 'any'), 'w');
  const handles = Object.getPrototypeOf(any) as FileHandle;
  const { datasync } = handles;
  const syncs: PromiseWithResolvers<void>[] = [];
  handles.datasync = () => {
    const sync = Promise.withResolvers<void>();
    syncs.push(sync);
    return sync.promise;
  };
  t.teardown(async () => {
    handles.datasync = datasync;
    await any.close();
    rmSync(folder, { recursive: true });
  });
  const file = new RotatingFile({ path: events, maxBytes: 10, maxFiles: 5 });
  await file.open();
  await use(file, events, syncs);
}

const append = (file: RotatingFile, text: string): ReturnType<RotatingFile['append']> =>
  file.append(Buffer.from(`${text}\n`));
const isOver = (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([promise.then(() => true).catch(() => true), delay(50, false)]);

test.serial('nobody waits for the disk when a file is rotated, but the next rotation does', async (t) => {
  await withSlowDisk(t, async (file, events, syncs) => {
    for (const text of ['first', 'second', 'x']) t.deepEqual(await append(file, text), { written: text.length + 1 });
    t.is(syncs.length, 1);
    t.is(readFileSync(`${events}.1`, 'utf8'), 'first\n');
    t.is(readFileSync(events, 'utf8'), 'second\nx\n');
    const third = append(file, 'third');
    t.false(await isOver(third));
    t.is(readFileSync(events, 'utf8'), 'second\nx\n');
    syncs[0]!.resolve();
    t.deepEqual(await third, { written: 6 });
    t.is(readFileSync(events, 'utf8'), 'third\n');
    syncs[1]!.resolve();
    await file.close();
  });
});

test.serial('a flush, and the end, wait until the rotated file is on the disk', async (t) => {
  await withSlowDisk(t, async (file, _, syncs) => {
    for (const text of ['first', 'second']) await append(file, text);
    const flush = file.sync();
    t.false(await isOver(flush));
    t.is(syncs.length, 1);
    syncs[0]!.resolve();
    // On a busy machine it takes a while until the next one is asked for.
    while (syncs.length < 2) await delay(1);
    syncs[1]!.resolve();
    await flush;
    await append(file, 'third');
    const end = file.close();
    t.false(await isOver(end));
    syncs[2]!.resolve();
    await end;
  });
});

test.serial('a rotated file that the disk refuses is told of once, and nothing is lost by it', async (t) => {
  await withSlowDisk(t, async (file, events, syncs) => {
    for (const text of ['first', 'second']) await append(file, text);
    syncs[0]!.reject(new Error('EIO'));
    const { written, error } = await append(file, 'third');
    t.is(written, 0);
    t.is(error?.message, `cannot write ${events}: EIO`);
    t.deepEqual(await append(file, 'third'), { written: 6 });
    t.is(readFileSync(`${events}.1`, 'utf8'), 'second\n');
    syncs[1]!.resolve();
    await file.close();
  });
});
