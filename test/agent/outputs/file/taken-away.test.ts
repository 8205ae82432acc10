import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { Delivery } from '../../../../agent/delivery/delivery.ts';
import { Log } from '../../../../agent/delivery/log/log.ts';
import { FileOutput } from '../../../../agent/outputs/file/output.ts';
import { linesInFiles, numbersMissing } from '../../../support/log-files.ts';
import { exec } from '../../support/items.ts';
import { recordingTelemetry, type Raised } from '../../support/telemetry.ts';

const NEVER = new Promise<void>(() => undefined);

/** An output that is written to without a pause, in two folders that others work in. */
class Scene implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'probes-taken-'));
  readonly logs = join(this.folder, 'logs');
  readonly archive = join(this.folder, 'archive');
  /** The name that the output knows. */
  readonly path: string;
  raised: Raised[] = [];
  written = 0;

  /** @param isLinked whether the output knows the folder by a link: it then looks at its file through the thread pool */
  constructor(isLinked = false) {
    mkdirSync(this.logs);
    mkdirSync(this.archive);
    const link = join(this.folder, 'link');
    if (isLinked) symlinkSync('logs', link);
    this.path = join(isLinked ? link : this.logs, 'events.jsonl');
  }

  /** Writes events until `during`, which is begun with the first of them, is done; and some more. A few at a time. */
  async write(during: () => Promise<unknown>, maxBytes = 1e9, pause: () => Promise<unknown> = turn): Promise<void> {
    const { telemetry, raised } = recordingTelemetry();
    this.raised = raised;
    const output = new FileOutput(
      {
        type: 'file',
        name: 'log',
        path: this.path,
        events: 'all',
        format: 'native',
        identity: false,
        max_bytes: maxBytes,
        max_files: 1000,
        max_queue_bytes: 1e9,
      },
      telemetry,
    );
    const log = new Log();
    const delivery = new Delivery({
      name: 'log',
      output,
      maxLagBytes: 1e9,
      telemetry,
      onReaderGone: () => undefined,
      pace: { firstMs: 1, longestMs: 5 },
    });
    await delivery.open();
    delivery.attach(log);
    delivery.start();
    log.begin({ bootId: 'boot', firstSeq: 1, lastSeq: 1 });
    let going = true;
    void during().finally(() => (going = false));
    for (let after = 0; going || after < 100; after += going ? 0 : 1) {
      log.append(
        Array.from({ length: 3 }, () => exec(++this.written)),
        this.written,
      );
      while (delivery.lagRecords > 300) await turn();
      await pause();
    }
    await delivery.close(NEVER);
  }

  missing(...folders: string[]): Array<[number, number]> {
    return numbersMissing(linesInFiles([this.logs, this.archive, ...folders]), 1, this.written);
  }

  /** Runs a shell script in the folder of the log, with the archive as $1. */
  async shell(script: string): Promise<void> {
    const child = spawn('bash', ['-c', script, 'bash', this.archive], { cwd: this.logs, stdio: 'ignore' });
    await once(child, 'exit');
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** As an administrator would by hand, as often as a shell can. */
const SCRIPTS: Readonly<Record<string, string>> = {
  'moved and compressed': 'mv events.jsonl "$1/$i" 2>/dev/null && gzip "$1/$i"',
  'copied by a link, compressed and removed': 'ln events.jsonl "$1/$i" && rm events.jsonl && gzip -f "$1/$i"',
  'replaced by another file': 'echo "{}" > new && ln events.jsonl "$1/$i" && mv new events.jsonl',
};

for (const [how, script] of Object.entries(SCRIPTS)) {
  for (const isLinked of [false, true])
    test.serial(
      `no number is missing when the file ${isLinked ? 'behind a link ' : ''}is ${how} while it is written`,
      async (t) => {
        using scene = new Scene(isLinked);
        await scene.write(() => scene.shell(`for i in $(seq 150); do ${script}; done`));
        t.deepEqual(scene.missing(), []);
        t.true(scene.written > 300);
      },
    );
}

test.serial('nor when files that were just rotated are compressed and moved', async (t) => {
  using scene = new Scene();
  const script = 'mv events.jsonl.1 "$1/$i" && gzip "$1/$i"';
  await scene.write(() => scene.shell(`for i in $(seq 150); do ${script}; done 2>/dev/null`), 20_000);
  t.deepEqual(scene.missing(), []);
});

test.serial('nor when it is copied and emptied, at an ordinary rate', async (t) => {
  using scene = new Scene();
  const script = 'for i in $(seq 60); do cp events.jsonl "$1/$i"; : > events.jsonl; sleep 0.01; done';
  await scene.write(
    () => scene.shell(script),
    1e9,
    () => delay(1),
  );
  t.deepEqual(scene.missing(), []);
  t.true(scene.raised.some(({ event }) => event === 'FileTruncated'));
  t.false(scene.raised.some(({ event }) => event === 'FileTruncatedLossy'));
});

test.serial('nor when its folder is moved away and made anew', async (t) => {
  using scene = new Scene();
  const moved = Array.from({ length: 20 }, (_, i) => join(scene.folder, `moved-${i}`));
  const script = 'cd ..; for i in $(seq 0 19); do mv logs "moved-$i"; sleep 0.01; mkdir logs; sleep 0.01; done';
  await scene.write(() => scene.shell(script));
  t.deepEqual(scene.missing(...moved), []);
});

test.serial('nor when its folder is removed and made anew: only what was in it is gone', async (t) => {
  using scene = new Scene();
  await scene.write(() =>
    scene.shell(
      'until [ -s events.jsonl ]; do sleep 0.01; done; mv events.jsonl "$1"; cd ..; rm -r logs; sleep 0.02; mkdir logs; sleep 0.02',
    ),
  );
  const before = readFileSync(join(scene.archive, 'events.jsonl'), 'utf8').split('\n').length;
  const missing = scene.missing();
  t.true(before > 1);
  // A file or two that were begun between the commands went with the folder.
  t.true(missing.length <= 2, JSON.stringify(missing));
});

const root = process.getuid?.() === 0 && process.platform === 'linux';
const mounts = root ? test.serial : test.serial.skip;
const skipped = root ? '' : ' [skipped: needs root on Linux]';

mounts(`nor when a file system is mounted over its folder, and taken off again${skipped}`, async (t) => {
  using scene = new Scene();
  const over = join(scene.folder, 'over');
  const script =
    'sleep 0.05; cd ..; mount -t tmpfs -o mode=700 none logs; until [ -s logs/events.jsonl ]; do sleep 0.01; done; cp -r logs over; umount -l logs; sleep 0.05';
  await scene.write(() => scene.shell(script));
  t.true(readFileSync(join(over, 'events.jsonl'), 'utf8').length > 0);
  // Between the copy and the unmounting the file was written on, and that is gone with the file system.
  const missing = scene.missing(over);
  t.true(missing.length <= 1, JSON.stringify(missing));
});

mounts(`nor when the disk is full for a while${skipped}`, async (t) => {
  using scene = new Scene();
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=700,size=64m', 'none', scene.logs]);
  try {
    await scene.write(() =>
      scene.shell('for i in 1 2 3; do sleep 0.03; cat /dev/zero > filler; sleep 0.05; rm filler; done; mkdir -p "$1"'),
    );
    rmSync(join(scene.logs, 'filler'), { force: true });
    t.deepEqual(scene.missing(), []);
    t.true(scene.raised.some(({ event, reason }) => event === 'OutputFailed' && /ENOSPC/.test(String(reason))));
  } finally {
    execFileSync('umount', ['-l', scene.logs]);
  }
});
