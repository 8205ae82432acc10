import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { statePathOf } from '../../../../agent/outputs/file/state-file.ts';
import { FileOutput } from '../../../../agent/outputs/file/output.ts';
import { Delivery } from '../../../../agent/delivery/delivery.ts';
import { Log as EventLog } from '../../../../agent/delivery/log/log.ts';
import type { Item } from '../../../../agent/events/item.ts';
import type { Telemetry } from '../../../../agent/telemetry/telemetry.ts';
import { batchOf } from '../../support/batches.ts';
import { exec, gap, summary, toItem } from '../../support/items.ts';
import { recordingTelemetry, type Raised } from '../../support/telemetry.ts';

const NEVER = new Promise<void>(() => undefined);
const BOOT = 'boot-one';

interface RunOptions {
  boot?: string;
  lastSeq?: number;
  maxBytes?: number;
  maxFiles?: number;
  /** How far the batch went, where that is further than its items. */
  through?: number;
}

/** A log in a folder of its own, and agents that write to it one after the other. */
class Log implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'probes-resume-'));
  readonly path = join(this.folder, 'events.jsonl');
  raised: Raised[] = [];

  /**
   * One life of an output: it is opened, gets these items as a replay, and is closed. Gives what it said it had.
   * A killed agent leaves the same files: what is written is in them, and nothing is written at the end.
   */
  async run(
    items: readonly Item[],
    { boot = BOOT, lastSeq = 1000, maxBytes = 1e9, maxFiles = 9, through }: RunOptions = {},
  ): Promise<number | undefined> {
    const { telemetry, raised } = recordingTelemetry();
    const output = new FileOutput(
      {
        type: 'file',
        name: 'log',
        path: this.path,
        events: 'all',
        format: 'native',
        identity: false,
        max_bytes: maxBytes,
        max_files: maxFiles,
        max_queue_bytes: 1e9,
      },
      telemetry,
    );
    const { events, delivery } = await this.start(output, telemetry);
    const due = events.begin({ bootId: boot, firstSeq: 1, lastSeq });
    events.append(items, through);
    await delivery.close(NEVER);
    this.raised = raised;
    return due === undefined ? undefined : due - 1;
  }

  /** An output that gets what is appended to the log. */
  async start(output: FileOutput, telemetry: Telemetry): Promise<{ events: EventLog; delivery: Delivery }> {
    const events = new EventLog();
    const delivery = new Delivery({ name: 'log', output, maxLagBytes: 1e9, telemetry, onReaderGone: () => undefined });
    await delivery.open();
    delivery.attach(events);
    delivery.start();
    return { events, delivery };
  }

  /** An output alone. */
  output(): FileOutput {
    return new FileOutput(
      {
        type: 'file',
        name: 'log',
        path: this.path,
        events: 'all',
        format: 'native',
        identity: false,
        max_bytes: 1e9,
        max_files: 2,
        max_queue_bytes: 1e9,
      },
      recordingTelemetry().telemetry,
    );
  }

  get text(): string {
    return readFileSync(this.path, 'utf8');
  }

  summaryOf(name: string): string {
    return summary(
      readFileSync(join(this.folder, name), 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => toItem(JSON.parse(line) as object)),
    );
  }

  /** Rotated files, oldest first, then the current one. */
  get summary(): string {
    const age = (name: string): number => Number(/\.(\d+)$/.exec(name)?.[1] ?? 0);
    const names = readdirSync(this.folder).filter((name) => /^events\.jsonl(\.\d+)?$/.test(name));
    return names
      .toSorted((a, b) => age(b) - age(a))
      .map((name) => this.summaryOf(name))
      .filter((text) => text !== '')
      .join(' ');
  }

  get state(): Record<string, unknown> {
    return JSON.parse(readFileSync(statePathOf(this.path), 'utf8')) as Record<string, unknown>;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const execs = (first: number, last: number): Item[] =>
  Array.from({ length: last - first + 1 }, (_, i) => exec(first + i));
const LINE_BYTES = exec(1).bytes;
const warnings = ({ raised }: Log): string[] =>
  raised.filter(({ level }) => level !== 'info').map(({ event }) => event);

test('a file goes on behind what passed it by without a line', async (t) => {
  using log = new Log();
  await log.run(execs(1, 3), { through: 7 });
  t.is(await log.run([], { through: 9 }), 7);
  t.is(await log.run(execs(10, 11), { through: 11 }), 9);
  t.is(await log.run([]), 11);
  t.is(log.summary, '1 2 3 10 11');
  t.deepEqual(warnings(log), []);
});

test('a file that nothing was written to yet goes on as well', async (t) => {
  using log = new Log();
  await log.run([], { through: 5 });
  t.is(await log.run([exec(6)]), 5);
  t.is(log.summary, '6');
});

test('what passed a file by is known when it is rotated, and of one boot only', async (t) => {
  using log = new Log();
  const small = { maxBytes: LINE_BYTES * 2 };
  await log.run(execs(1, 2), { ...small, through: 5 });
  t.is(await log.run([], small), 5);
  await log.run([exec(8)], { ...small, through: 8 });
  t.is(await log.run([], small), 8);
  truncateSync(log.path);
  t.is(await log.run([], small), 5, 'what the file before had passed by');
  t.is(await log.run([exec(1)], { ...small, boot: 'boot-two', through: 4 }), undefined);
  t.is(await log.run([], { ...small, boot: 'boot-two' }), 4);
});

test('a file that lost lines since gets them again, whatever had passed it by', async (t) => {
  using log = new Log();
  await log.run(execs(1, 3), { through: 7 });
  truncateSync(log.path, LINE_BYTES);
  t.is(await log.run([]), 1);
});

test('a gap of fewer events than numbers is a last line like others', async (t) => {
  using log = new Log();
  await log.run([exec(1), gap(2, 9, { hop: 'output', cause: 'queue_full', count: 3 })]);
  t.is(await log.run([]), 9);
});

test('a file goes on behind its last number', async (t) => {
  using log = new Log();
  t.is(await log.run(execs(1, 3)), undefined);
  t.is(await log.run(execs(1, 5)), 3);
  t.is(await log.run(execs(2, 5)), 5);
  t.is(log.summary, '1 2 3 4 5');
  t.deepEqual(warnings(log), []);
  t.is(statSync(statePathOf(log.path)).mode & 0o777, 0o600);
});

test('a gap at the end counts with its last number, and one that reaches beyond it is shortened', async (t) => {
  using log = new Log();
  await log.run([exec(1), gap(2, 6)]);
  t.is(await log.run([exec(1), gap(2, 9), exec(10)]), 6);
  t.is(log.summary, '1 [2-6 ring ring_full] [7-9 ring ring_full] 10');
});

for (const cut of [1, 2, 50, LINE_BYTES - 1]) {
  test(`a write that was torn ${cut} bytes before its end is undone and done again`, async (t) => {
    using log = new Log();
    await log.run(execs(1, 4));
    truncateSync(log.path, statSync(log.path).size - cut);
    t.is(await log.run(execs(1, 5)), 3);
    t.is(log.summary, '1 2 3 4 5');
    t.deepEqual(warnings(log), ['UnfinishedLineRemoved']);
  });
}

test('torn at any byte of the first write, nothing is missing and nothing twice', async (t) => {
  using log = new Log();
  await log.run(execs(1, 2));
  const whole = readFileSync(log.path);
  for (let size = 0; size <= whole.length; size += 7) {
    writeFileSync(log.path, whole.subarray(0, size));
    await log.run(execs(1, 3));
    t.is(log.summary, '1 2 3', `${size} bytes`);
  }
});

test('another boot begins anew, behind the lines of the one before', async (t) => {
  using log = new Log();
  await log.run(execs(1, 5));
  t.is(await log.run(execs(1, 3), { boot: 'boot-two' }), undefined);
  t.is(await log.run(execs(1, 4), { boot: 'boot-two' }), 3);
  t.is(log.summary, '1 2 3 4 5 1 2 3 4');
  t.deepEqual(warnings(log), []);
});

test("killed between a boot's beginning and its first line, the numbers of the boot before do not count", async (t) => {
  using log = new Log();
  await log.run(execs(1, 5));
  const state = log.state;
  writeFileSync(
    statePathOf(log.path),
    JSON.stringify({ boot_id: 'boot-two', inode: state['inode'], from: statSync(log.path).size }),
  );
  t.is(await log.run(execs(1, 2), { boot: 'boot-two' }), undefined);
  t.is(log.summary, '1 2 3 4 5 1 2');
});

test('while the agent runs, another boot is told apart in the file as well', async (t) => {
  using log = new Log();
  const { events, delivery } = await log.start(log.output(), recordingTelemetry().telemetry);
  events.begin({ bootId: BOOT, firstSeq: 1, lastSeq: 9 });
  events.append(execs(7, 9));
  events.begin({ bootId: 'boot-two', firstSeq: 1, lastSeq: 2 });
  events.append(execs(1, 2));
  await delivery.close(NEVER);
  t.like(log.state, { boot_id: 'boot-two', from: 3 * LINE_BYTES });
  t.is(await log.run(execs(1, 3), { boot: 'boot-two' }), 2);
  t.is(log.summary, '7 8 9 1 2 3');
});

for (const [what, damage] of Object.entries({
  'missing': (path: string) => rmSync(path),
  'empty': (path: string) => truncateSync(path, 0),
  'garbled': (path: string) => writeFileSync(path, '{"boot_id":"boot-o'),
  'of another shape': (path: string) => writeFileSync(path, '{"boot_id":7,"inode":"x"}'),
  'a folder': (path: string) => {
    rmSync(path);
    mkdirSync(path);
  },
})) {
  test(`with a state file that is ${what}, events come twice rather than not at all, and the log says so`, async (t) => {
    using log = new Log();
    await log.run(execs(1, 3));
    damage(statePathOf(log.path));
    t.is(await log.run(execs(1, 4)), undefined);
    t.is(log.summary, '1 2 3 1 2 3 4');
    t.true(warnings(log).includes('PositionUnknown'));
    const good = what !== 'a folder';
    t.is(warnings(log).includes('PositionNotKept'), !good);
    t.is(await log.run(execs(1, 5)), good ? 4 : undefined, 'a state file that can be replaced is good again');
  });
}

test('a number that is higher than any that was given is not believed, nor later', async (t) => {
  using log = new Log();
  await log.run(execs(500, 501));
  t.is(await log.run(execs(1, 2), { lastSeq: 2 }), undefined);
  t.deepEqual(warnings(log), ['PositionUnknown']);
  t.is(await log.run(execs(1, 3), { lastSeq: 1000 }), 2);
  t.is(log.summary, '500 501 1 2 3');
});

test('one that was not believed is not believed after a kill before the first line either', async (t) => {
  using log = new Log();
  await log.run(execs(500, 501));
  const output = log.output();
  await output.open();
  await output.bookmark.load();
  await output.send(batchOf(BOOT, [], 1));
  await output.close();
  t.is(await log.run(execs(1, 2), { lastSeq: 1000 }), undefined);
  t.is(log.summary, '500 501 1 2');
});

test('the position survives rotations', async (t) => {
  using log = new Log();
  for (let last = 1; last <= 25; last += 3) await log.run(execs(1, last), { maxBytes: 4 * LINE_BYTES });
  t.is(
    log.summary,
    execs(1, 25)
      .map(({ first }) => first)
      .join(' '),
  );
  t.true(existsSync(`${log.path}.6`));
});

test('killed in a rotation, before or after the new file is there, the newest rotated file knows', async (t) => {
  for (const made of [false, true]) {
    using log = new Log();
    await log.run(execs(1, 4));
    renameSync(log.path, `${log.path}.1`);
    if (made) writeFileSync(log.path, '');
    t.is(await log.run(execs(1, 6)), 4);
    t.is(log.summary, '1 2 3 4 5 6');
    t.is(await log.run(execs(1, 7)), 6);
  }
});

test('killed after a rotation, before its first line, the state knows what is before the file', async (t) => {
  using log = new Log();
  await log.run(execs(1, 4));
  renameSync(log.path, `${log.path}.1`);
  writeFileSync(log.path, '');
  writeFileSync(
    statePathOf(log.path),
    JSON.stringify({ boot_id: BOOT, inode: statSync(log.path).ino, from: 0, after: 4 }),
  );
  t.is(await log.run(execs(1, 5)), 4);
});

test('a single file that is begun anew knows what it held', async (t) => {
  using log = new Log();
  await log.run(execs(1, 9), { maxBytes: 4 * LINE_BYTES, maxFiles: 1 });
  t.is(log.summary, '9');
  truncateSync(log.path, 0);
  t.is(await log.run(execs(1, 9), { maxBytes: 4 * LINE_BYTES, maxFiles: 1 }), 8);
});

test('a file that was rotated away by somebody under another name leads to duplicates', async (t) => {
  using log = new Log();
  await log.run(execs(1, 3));
  renameSync(log.path, join(log.folder, 'elsewhere'));
  t.is(await log.run(execs(1, 4)), undefined);
  t.deepEqual(warnings(log), ['PositionUnknown']);
  t.is(log.summary, '1 2 3 4');
});

test('a rotated file that is not the one before the current one is not asked', async (t) => {
  using log = new Log();
  await log.run(execs(5, 9));
  renameSync(log.path, `${log.path}.1`);
  await log.run(execs(1, 2), { boot: 'boot-two' });
  rmSync(log.path);
  writeFileSync(join(log.folder, 'keeps-the-inode-busy'), '');
  t.is(await log.run(execs(1, 3), { boot: 'boot-two' }), undefined);
  t.is(log.summary, '5 6 7 8 9 1 2 3');
});

test('a file that held another boot too and was emptied has a position again', async (t) => {
  using log = new Log();
  await log.run(execs(1, 9));
  await log.run(execs(1, 2), { boot: 'boot-two' });
  truncateSync(log.path, 0);
  t.is(await log.run(execs(1, 3), { boot: 'boot-two' }), undefined);
  t.is(await log.run(execs(1, 4), { boot: 'boot-two' }), 3);
  t.is(log.summary, '1 2 3 4');
});

test('a file that was emptied gets again what is held', async (t) => {
  using log = new Log();
  await log.run(execs(1, 3));
  truncateSync(log.path, 0);
  t.is(await log.run(execs(1, 4)), undefined);
  t.is(log.summary, '1 2 3 4');
});

test('a file that another program has replaced is not taken for ours', async (t) => {
  using log = new Log();
  await log.run(execs(1, 3));
  copyFileSync(log.path, `${log.path}.copy`);
  renameSync(`${log.path}.copy`, log.path);
  t.is(await log.run(execs(1, 4)), undefined);
  t.deepEqual(warnings(log), ['PositionUnknown']);
  t.is(await log.run(execs(1, 5)), 4);
});

test("a stranger's file is appended to and nothing of it is cut", async (t) => {
  using log = new Log();
  writeFileSync(log.path, 'dear diary,\n{"seq":7}\ntoday I');
  t.is(await log.run(execs(1, 2)), undefined);
  t.true(log.text.startsWith('dear diary,\n{"seq":7}\ntoday I\n{"pid"'));
  t.is(await log.run(execs(1, 3)), 2);
});

test('lines that somebody appended are passed over, events in front of them count', async (t) => {
  using log = new Log();
  await log.run(execs(1, 3));
  appendFileSync(log.path, `# archived up to here\n\n{"type":"note"}\n[1]\n${'x'.repeat(200_000)}\n`);
  t.is(await log.run(execs(1, 4)), 3);
  t.true(log.text.endsWith(`${exec(4).line}\n`));
});

test('a last line that is longer than what is looked at first is found whole', async (t) => {
  using log = new Log();
  const long = toItem({ ...exec(4).event, argv: ['x'.repeat(1_000_000)] });
  await log.run([...execs(1, 3), long]);
  t.is(await log.run([...execs(1, 3), long, exec(5)]), 4);
});

test('a file that was moved away while the agent ran is remembered by the new one', async (t) => {
  using log = new Log();
  const output = log.output();
  await output.open();
  await output.send(batchOf(BOOT, [exec(1)]));
  await output.close();
  renameSync(log.path, join(log.folder, 'elsewhere'));
  await output.open();
  await output.send(batchOf(BOOT, [exec(2)]));
  await output.close();
  t.is(await log.run(execs(1, 3)), 2);
});
