import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { QuickLook } from '../../../../agent/outputs/file/quick-look.ts';
import { RotatingFile } from '../../../../agent/outputs/file/rotating-file.ts';
import { execEvent } from '../../../support/fake-helper.ts';

async function withFile(
  options: { maxBytes?: number; maxFiles?: number },
  use: (file: RotatingFile, path: string, folder: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'probes-file-'));
  const path = join(folder, 'events.jsonl');
  const file = new RotatingFile({ path, maxBytes: 1000, maxFiles: 3, ...options });
  try {
    await use(file, path, folder);
  } finally {
    await file.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const line = (n: number, length = 99): string => String(n).padStart(length, '.');
const append = async (file: RotatingFile, ...lines: string[]): Promise<void> => {
  const { error } = await file.append(Buffer.from(lines.map((text) => `${text}\n`).join('')));
  if (error !== undefined) throw error;
};
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const linesOf = (path: string): string[] => readFileSync(path, 'utf8').split('\n').slice(0, -1);

test('lines are appended, also after a restart', async (t) => {
  await withFile({}, async (file, path) => {
    await file.open();
    await append(file, 'a', 'b');
    await file.close();
    await file.open();
    await append(file, 'c');
    t.is(readFileSync(path, 'utf8'), 'a\nb\nc\n');
  });
});

/** Says how often a look gave an answer. */
class CountingLook extends QuickLook {
  answers = 0;

  override now(): ReturnType<QuickLook['now']> {
    const there = super.now();
    if (there !== undefined) this.answers++;
    return there;
  }
}

for (const [type, answers] of [
  ['ext4', 6],
  ['nfs4', 0],
] as const) {
  test(`on ${type}, ${answers} of the six looks of three batches are made in the main thread`, async (t) => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'probes-file-')));
    const path = join(folder, 'events.jsonl');
    const look = new CountingLook(path, { generation: () => 1, typesOn: async () => new Set([type]) });
    const file = new RotatingFile({ path, maxBytes: 1000, maxFiles: 3, look });
    try {
      await file.open();
      for (const text of ['a', 'b', 'c']) await append(file, text);
      t.is(look.answers, answers);
      t.is(readFileSync(path, 'utf8'), 'a\nb\nc\n');
    } finally {
      await file.close();
      rmSync(folder, { recursive: true });
    }
  });
}

test('a batch larger than a file is spread over files without cutting or losing a line', async (t) => {
  await withFile({ maxFiles: 10 }, async (file, path, folder) => {
    await file.open();
    const lines = Array.from({ length: 35 }, (_, i) => line(i));
    await append(file, ...lines);
    t.deepEqual(readdirSync(folder).toSorted(), ['events.jsonl', 'events.jsonl.1', 'events.jsonl.2', 'events.jsonl.3']);
    const stored = [3, 2, 1].flatMap((n) => linesOf(`${path}.${n}`)).concat(linesOf(path));
    t.deepEqual(stored, lines);
    for (const name of readdirSync(folder)) t.true(statSync(join(folder, name)).size <= 1000);
  });
});

test('a line longer than a file may be gets a file of its own', async (t) => {
  await withFile({ maxFiles: 10 }, async (file, path) => {
    await file.open();
    await append(file, line(1), line(2, 5000), line(3));
    t.deepEqual(linesOf(`${path}.2`), [line(1)]);
    t.deepEqual(linesOf(`${path}.1`), [line(2, 5000)]);
    t.deepEqual(linesOf(path), [line(3)]);
  });
});

test('no more than max_files are kept, the oldest go', async (t) => {
  await withFile({ maxFiles: 2 }, async (file, path, folder) => {
    await file.open();
    for (let i = 0; i < 55; i++) await append(file, line(i));
    t.deepEqual(readdirSync(folder).toSorted(), ['events.jsonl', 'events.jsonl.1']);
    t.is(linesOf(`${path}.1`)[0], line(40));
    t.is(linesOf(path).at(-1), line(54));
  });
});

test('a single file begins anew when it is full', async (t) => {
  await withFile({ maxFiles: 1 }, async (file, path, folder) => {
    await file.open();
    for (let i = 0; i < 11; i++) await append(file, line(i));
    t.deepEqual(readdirSync(folder), ['events.jsonl']);
    t.deepEqual(linesOf(path), [line(10)]);
  });
});

test('every file is 0600, whatever the umask and whoever made it before', async (t) => {
  await withFile({}, async (file, path) => {
    writeFileSync(path, 'old\n');
    chmodSync(path, 0o644);
    await file.open();
    t.is(modeOf(path), '600');
    for (let i = 0; i < 25; i++) await append(file, line(i));
    t.deepEqual([path, `${path}.1`, `${path}.2`].map(modeOf), ['600', '600', '600']);
  });
});

test("behind a stranger's line that is not finished, ours begins on a line of its own", async (t) => {
  await withFile({}, async (file, path) => {
    writeFileSync(path, 'dear diary,\ntoday I');
    await file.open();
    await append(file, 'next');
    t.is(readFileSync(path, 'utf8'), 'dear diary,\ntoday I\nnext\n');
  });
});

test('a line that was not finished is cut off behind an event, however long it is', async (t) => {
  for (const length of [1, 65_535, 65_536, 65_537, 300_000]) {
    await withFile({ maxBytes: 1e9 }, async (file, path) => {
      const whole = `${JSON.stringify(execEvent(1))}\n`;
      writeFileSync(path, whole + '{'.repeat(length));
      await file.open();
      await append(file, 'next');
      t.is(readFileSync(path, 'utf8'), `${whole}next\n`);
    });
  }
});

test('of a file that is known to be ours, an unfinished line is cut off though nothing is before it', async (t) => {
  await withFile({}, async (_, path) => {
    const cut: number[] = [];
    const file = new RotatingFile({
      path,
      maxBytes: 1000,
      maxFiles: 2,
      isOurs: (inode) => inode === statSync(path).ino,
      onUnfinishedLine: (bytes) => cut.push(bytes),
    });
    writeFileSync(path, '{"pid":12');
    await file.open();
    await append(file, 'next');
    await file.close();
    t.is(readFileSync(path, 'utf8'), 'next\n');
    t.deepEqual(cut, [9]);
  });
});

test('a file that was moved away is begun anew', async (t) => {
  await withFile({}, async (file, path) => {
    await file.open();
    await append(file, 'a');
    renameSync(path, `${path}.moved`);
    await append(file, 'b');
    t.is(readFileSync(`${path}.moved`, 'utf8'), 'a\n');
    t.is(readFileSync(path, 'utf8'), 'b\n');
  });
});

test('a folder that is not there is an error that says so', async (t) => {
  await withFile({}, async (_, path) => {
    const file = new RotatingFile({ path: join(path, 'x.jsonl'), maxBytes: 1000, maxFiles: 2 });
    await t.throwsAsync(file.open(), { message: /cannot open .*x\.jsonl: its folder does not exist; make it/ });
  });
});

test('a folder in place of the file is an error that says so', async (t) => {
  await withFile({}, async (file, path) => {
    mkdirSync(path);
    await t.throwsAsync(file.open(), { message: /it is a folder; name a file/ });
  });
});

/** Runs a program of test/agent/support. A limit on file size acts as a full disk does: it takes what fits and refuses the rest. */
async function runLimited(name: string, path: string): Promise<string> {
  const program = fileURLToPath(new URL(`../../support/${name}`, import.meta.url));
  const { stdout } = await promisify(execFile)('sh', [
    '-c',
    'ulimit -f 8; exec "$@"',
    'sh',
    process.execPath,
    program,
    path,
  ]);
  return stdout;
}

test('a write that the disk takes only half of leaves no part of a line behind', async (t) => {
  await withFile({}, async (_, path) => {
    const stdout = await runLimited('append-lines.ts', path);
    t.regex(stdout, /^0 taken: cannot write .*events\.jsonl: EFBIG/);
    t.deepEqual(
      linesOf(path),
      Array.from({ length: 3 }, () => 'a'.repeat(99)),
    );
    t.is(statSync(path).size, 300);
  });
});

test('lines that the disk refuses when they are written again are told to be lost', async (t) => {
  await withFile({}, async (_, path) => {
    t.regex(await runLimited('restore-lines.ts', path), /^0 false\ncannot write .*events\.jsonl: EFBIG/);
    t.is(statSync(path).size % 100, 0);
  });
});

test('a device and a FIFO are refused', async (t) => {
  await withFile({}, async (file, path) => {
    await t.throwsAsync(new RotatingFile({ path: '/dev/full', maxBytes: 1000, maxFiles: 2 }).open(), {
      message: /not a regular file/,
    });
    execFileSync('mkfifo', [path]);
    await t.throwsAsync(file.open(), { message: /not a regular file/ });
  });
});

test('a link is not followed, nor is the file that it leads to touched', async (t) => {
  await withFile({}, async (file, path, folder) => {
    const target = join(folder, 'target');
    writeFileSync(target, 'precious\n');
    chmodSync(target, 0o644);
    symlinkSync(target, path);
    await t.throwsAsync(file.open(), { message: /cannot open .*: it is a symbolic link.* name the file itself/ });
    rmSync(path);
    linkSync(target, path);
    await t.throwsAsync(file.open(), { message: /it has a second name/ });
    t.is(readFileSync(target, 'utf8'), 'precious\n');
    t.is(modeOf(target), '644');
  });
});

test('a link that takes the place of the file while it is written is not followed either', async (t) => {
  await withFile({}, async (file, path, folder) => {
    await file.open();
    await append(file, 'a');
    const target = join(folder, 'target');
    writeFileSync(target, '');
    renameSync(path, `${path}.moved`);
    symlinkSync(target, path);
    await t.throwsAsync(append(file, 'b'), { message: /cannot write .*symbolic link/ });
    t.is(readFileSync(target, 'utf8'), '');
  });
});

(process.getuid?.() === 0 ? test : test.skip)(
  `a file of another user is refused${process.getuid?.() === 0 ? '' : ' [skipped: needs root]'}`,
  async (t) => {
    await withFile({}, async (file, path) => {
      writeFileSync(path, '');
      chownSync(path, 12_345, 12_345);
      await t.throwsAsync(file.open(), { message: /belongs to another user/ });
    });
  },
);
