import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, linkSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ImageHasher, type HashAnswer } from '../../../../agent/enrichment/hashing/image-hasher.ts';
import { rootTest } from '../../../support/requirements.ts';
import { SAVED_SECONDS, SMALL_FILE_BYTES } from '../../../../agent/enrichment/hashing/limits.ts';

function folderOf(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'probes-hasher-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

const sha256 = (file: string): string => execFileSync('sha256sum', [file], { encoding: 'utf8' }).slice(0, 64);

/** A hasher whose answers can be awaited, by the number of their question. */
function hasherOf(
  t: ExecutionContext,
  {
    bytesPerSecond = 1e12,
    maxFileBytes = 1e9,
    now,
  }: { bytesPerSecond?: number; maxFileBytes?: number; now?: () => number } = {},
) {
  const answers: Array<[number, HashAnswer]> = [];
  const waiting: Array<() => void> = [];
  const hasher = new ImageHasher({
    bytesPerSecond,
    maxFileBytes,
    answer: (asker, answer) => {
      answers.push([asker, answer]);
      for (const tell of waiting.splice(0)) tell();
    },
    ...(now === undefined ? {} : { now }),
  });
  t.teardown(() => hasher.close());
  const answered = async (count: number): Promise<Array<[number, HashAnswer]>> => {
    while (answers.length < count) await new Promise<void>((resolve) => void waiting.push(resolve));
    return answers;
  };
  return { hasher, answers, answered };
}

test('hashes are those of sha256sum; a file is read once, by whatever name, and again when it changed', async (t) => {
  const folder = folderOf(t);
  const [one, other] = [join(folder, 'ls'), join(folder, 'also-ls')];
  copyFileSync('/bin/ls', one);
  linkSync(one, other);
  const { hasher, answers, answered } = hasherOf(t);
  hasher.ask(1, one);
  hasher.ask(2, other);
  t.is(hasher.pending, 1);
  await answered(2);
  for (const [, answer] of answers) t.like(answer, { sha256: sha256(one) });
  hasher.ask(3, one);
  // Known: the answer is there at once.
  t.is(answers.length, 3);
  writeFileSync(one, 'another');
  hasher.ask(4, one);
  t.is(answers.length, 3);
  t.like((await answered(4))[3]![1], { sha256: sha256(one) });
});

test('what has no hash says why, and nothing is asked for twice', async (t) => {
  const folder = folderOf(t);
  const large = join(folder, 'large');
  writeFileSync(large, 'x'.repeat(1001));
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const { hasher, answered } = hasherOf(t, { maxFileBytes: 1000 });
  const paths = [join(folder, 'none'), join(large, 'below'), folder, fifo, '/dev/zero', large, `${folder}/\0`];
  for (const [i, path] of paths.entries()) hasher.ask(i, path);
  const answers = await answered(paths.length);
  t.deepEqual(
    answers.toSorted(([a], [b]) => a - b).map(([, answer]) => (answer as { cause: string }).cause),
    ['gone', 'gone', 'not_a_file', 'not_a_file', 'not_a_file', 'too_large', 'failed'],
  );
});

test('a file that is written to, or replaced, while it waits or is read has no hash', async (t) => {
  const folder = folderOf(t);
  const [read, waits, replaced] = ['read', 'waits', 'replaced'].map((name) => join(folder, name));
  for (const path of [read, waits, replaced]) writeFileSync(path!, path!.repeat(10_000));
  writeFileSync(join(folder, 'new'), 'new');
  const { hasher, answered } = hasherOf(t);
  for (const [i, path] of [read, waits, replaced].entries()) hasher.ask(i, path!);
  await new Promise(setImmediate);
  writeFileSync(read!, 'x', { flag: 'a' });
  rmSync(waits!);
  renameSync(join(folder, 'new'), replaced!);
  const answers = await answered(3);
  t.deepEqual(
    answers.map(([, answer]) => (answer as { cause: string }).cause),
    ['changed', 'gone', 'changed'],
  );
});

test('no more bytes are read than the rate and what was saved up allow; what is known is answered all the same', async (t) => {
  const folder = folderOf(t);
  const rate = 1024 * 1024;
  let clock = 0;
  // Half of it is for small files, which these are.
  const { hasher, answers, answered } = hasherOf(t, { bytesPerSecond: 2 * rate, now: () => clock });
  const files = Array.from({ length: 10 }, (_, i) => join(folder, String(i)));
  for (const file of files) writeFileSync(file, `${file}${'x'.repeat(rate - 1000)}`);
  for (const [i, file] of files.entries()) hasher.ask(i, file);
  // The clock stands: four seconds' worth are there, and one piece more.
  await answered(SAVED_SECONDS);
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.is(answers.length, SAVED_SECONDS);
  hasher.ask(100, files[0]!);
  t.is(answers.at(-1)![0], 100);
  clock += 2000;
  await answered(SAVED_SECONDS + 1 + 2);
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.is(answers.length, SAVED_SECONDS + 1 + 2);
});

test('large files hold up no small one', async (t) => {
  const folder = folderOf(t);
  const [large, small] = [join(folder, 'large'), join(folder, 'small')];
  writeFileSync(large, 'x'.repeat(SMALL_FILE_BYTES + 1));
  writeFileSync(small, 'x');
  const { hasher, answered } = hasherOf(t, { bytesPerSecond: 1024 * 1024, now: () => 0 });
  hasher.ask(1, large);
  await new Promise((resolve) => setTimeout(resolve, 100));
  hasher.ask(2, small);
  t.is((await answered(1))[0]![0], 2);
  t.is(hasher.pending, 1);
});

rootTest('a file that its user may not read is unreadable', (t) => {
  const folder = folderOf(t);
  const file = join(folder, 'secret');
  writeFileSync(file, 'x');
  chmodSync(folder, 0o755);
  chmodSync(file, 0o711);
  const script = `
    import { ImageHasher } from ${JSON.stringify(join(import.meta.dirname, '../../../../agent/enrichment/hashing/image-hasher.ts'))};
    process.setuid(65534);
    new ImageHasher({ bytesPerSecond: 1e9, maxFileBytes: 1e9, answer: (_, answer) => console.log(JSON.stringify(answer)) }).ask(1, ${JSON.stringify(file)});
  `;
  const out = execFileSync(process.execPath, ['--input-type=module', '--experimental-strip-types', '-e', script], {
    encoding: 'utf8',
    env: {},
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.deepEqual(JSON.parse(out), { cause: 'unreadable' });
});
