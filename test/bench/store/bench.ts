/**
 * Measures the store:
 *
 *   node_modules/.bin/node test/bench/store/bench.ts [--json] [--events 5000000] [--folder /var/tmp]
 *
 * Writes so many events through the thread of the store, as fast as it takes them, then asks questions. Each question opens the
 * store anew. Needs some 1.5 KB of disk an event, and removes it.
 */
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import { bytesOf, listPartitions } from '../../../agent/store/files.ts';
import type { StoredBatch } from '../../../agent/store/partition.ts';
import { conditionOf } from '../../../agent/store/read/condition.ts';
import { openStore } from '../../../agent/store/read/partitions.ts';
import { search } from '../../../agent/store/read/search.ts';
import { prepareSql } from '../../../agent/store/read/sql.ts';
import { wordsQuery } from '../../../agent/store/read/words.ts';
import { StoreThread } from '../../../agent/store/thread.ts';
import { StoreWriter } from '../../../agent/store/writer.ts';
import { randomOf } from '../../agent/support/random.ts';
import { median, quantile } from '../statistics.ts';
import { storeSection, type StoreFigures } from './section.ts';

const BATCH = 1000;
const GIB = 1024 ** 3;
const DAY_MS = 86_400_000;
/** Events of the measurement at 10,000 a second, and of the file for DuckDB. */
const PACED = 100_000;
const IN_FILE = 1_000_000;
const ROUNDS = 200;
const FEW_ROUNDS = 15;
const BOOT = '5a0c81a2-2b5e-4f0f-9d4c-3a7f8f1f5e11';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    events: { type: 'string', default: '5000000' },
    folder: { type: 'string', default: '/var/tmp' },
  },
});
const EVENTS = Number(values.events);
const folder = mkdtempSync(join(values.folder, 'store-bench-'));
const next = randomOf(5);
const began = Date.now();

const PROGRAMS = [
  '/usr/bin/gcc',
  '/usr/bin/git',
  '/bin/sh',
  '/usr/bin/sed',
  '/usr/lib/gcc/x86_64-linux-gnu/12/cc1',
  '/usr/bin/python3',
  '/usr/bin/make',
] as const;

/** A word that only event `i` has. */
const rare = (i: number): string => `unit${i.toString(36)}q`;

/** The line of an event as the store gets it, from a build: ten thousand a second, up to now. */
function lineOf(i: number): string {
  const exe = PROGRAMS[next(PROGRAMS.length)]!;
  const argv = [
    exe,
    '-c',
    `/home/ada/build-${next(1e6).toString(36)}/src/file${next(20_000)}.c`,
    '-o',
    `${rare(i)}.o`,
    `--flag${next(500)}`,
    `-I/usr/include/lib${next(300)}`,
  ];
  const at = began - (EVENTS - i) / 10;
  const parent = { pid: 2 + next(5000), start_time: 7_203_340_118, exe: '/usr/bin/make' };
  return `${JSON.stringify({
    pid: 2 + (i % 4_194_302),
    command: argv.join(' '),
    timestamp: Math.floor(at / 1000),
    type: 'exec',
    seq: i,
    time: new Date(at).toISOString().replace('Z', '123456Z'),
    ppid: parent.pid,
    uid: 1000,
    gid: 1000,
    euid: 1000,
    egid: 1000,
    loginuid: 1000,
    session_id: 12_001,
    tty: 34_816,
    exe,
    filename: exe,
    argv,
    argv_bytes: 130,
    cwd: '/home/ada/site',
    comm: 'cc1',
    start_time: 7_301_999_120 + i * 100,
    cgroup: '/user.slice/user-1000.slice/session-3.scope',
    parent,
    source: 'ebpf',
    host_id: 'a'.repeat(32),
    host: 'walrus.example',
    boot_id: BOOT,
    stream: 'store',
    schema_version: 1,
    seal: Math.floor(i / 4096),
  })}\n`;
}

function batchOf(first: number, count: number): StoredBatch {
  const lines = Array.from({ length: count }, (_, i) => Buffer.from(lineOf(first + i)));
  let at = 0;
  const ends = Uint32Array.from(lines, ({ length }) => (at += length));
  return {
    token: `batch ${first}`,
    lines: new Uint8Array(Buffer.concat(lines)),
    ends,
    bootId: BOOT,
    last: first + count - 1,
  };
}

const listener = {
  damaged: (file: string, reason: string) => {
    throw new Error(`${file}: ${reason}`);
  },
  untidy: (reason: string) => {
    throw new Error(reason);
  },
};

interface Written {
  readonly perSecond: number;
  readonly micros: number;
  readonly lineBytes: number;
}

/** Fills the store. Making the lines is not counted: it is done while nothing is written. */
async function fill(): Promise<Written> {
  const thread = new StoreThread(
    { folder: join(folder, 'store'), maxBytes: 8 * GIB, maxAgeMs: 3650 * DAY_MS },
    listener,
  );
  await thread.ask({ type: 'open' });
  let [ms, micros, bytes] = [0, 0, 0];
  for (let first = 1; first <= EVENTS; first += BATCH) {
    const batch = batchOf(first, Math.min(BATCH, EVENTS + 1 - first));
    bytes += batch.lines.length;
    const [start, cpu] = [performance.now(), process.cpuUsage()];
    await thread.ask({ type: 'write', batch });
    const { user, system } = process.cpuUsage(cpu);
    ms += performance.now() - start;
    micros += user + system;
    if (first % 500_000 === 1) process.stderr.write(`› ${first - 1} events in ${(ms / 1000).toFixed(0)} s\n`);
  }
  await thread.ask({ type: 'close' });
  await thread.end();
  return { perSecond: (EVENTS / ms) * 1000, micros: micros / EVENTS, lineBytes: bytes / EVENTS };
}

/** The longest pause of this thread while 10,000 events a second are stored. */
async function longestPause(write: (batch: StoredBatch) => unknown): Promise<number> {
  const batches = Array.from({ length: PACED / BATCH }, (_, i) => batchOf(1 + i * BATCH, BATCH));
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  const start = performance.now();
  histogram.enable();
  for (const [i, batch] of batches.entries()) {
    await write(batch);
    await delay(Math.max(1, start + (i + 1) * 100 - performance.now()));
  }
  histogram.disable();
  return histogram.max / 1e6;
}

async function pauses(): Promise<StoreFigures['heldUp']> {
  const input = { maxBytes: 4 * GIB, maxAgeMs: DAY_MS };
  const thread = new StoreThread({ ...input, folder: join(folder, 'thread') }, listener);
  await thread.ask({ type: 'open' });
  const withThread = await longestPause((batch) => thread.ask({ type: 'write', batch }));
  await thread.ask({ type: 'close' });
  await thread.end();
  const writer = new StoreWriter({ ...input, folder: join(folder, 'no-thread'), onDamaged: listener.damaged });
  writer.open();
  const without = await longestPause((batch) => writer.write(batch));
  writer.close();
  return { thread: withThread, without };
}

const store = join(folder, 'store');

function find(words: string | undefined, condition: string | undefined, limit: number): number {
  using opened = openStore(store);
  let found = 0;
  const asked = {
    words: words === undefined ? undefined : wordsQuery(words),
    condition: condition === undefined ? undefined : conditionOf(condition, began),
    limit,
    deadline: Infinity,
  };
  for (const _ of search(opened, asked)) found++;
  if (opened.problems.length > 0) throw new Error(opened.problems.join());
  return found;
}

function countBySql(sql: string): number {
  return Number([...prepareSql({ folder: store, sql }, began).rows][0]![0]);
}

/** @param ask gives how much was found, which must be as expected */
function question(
  title: string,
  rounds: number,
  expected: number,
  ask: () => number,
): StoreFigures['questions'][number] {
  const times = Array.from({ length: rounds }, () => {
    const start = performance.now();
    const found = ask();
    if (found !== expected) throw new Error(`${title}: ${found} instead of ${expected}`);
    return performance.now() - start;
  });
  return { title, p50: median(times), p99: quantile(times, 0.99) };
}

function questions(): StoreFigures['questions'] {
  const any = (): number => 1 + next(EVENTS);
  const minute = Math.min(EVENTS, 600_000);
  return [
    question('`--match WORD`, a word of one event', ROUNDS, 1, () => find(rare(any()), undefined, 101)),
    question('`--match WORD`, a word of no event', ROUNDS, 0, () => find('nosuchword', undefined, 101)),
    question('`--match "gcc home ada"`, the newest 100 of many', ROUNDS, 100, () =>
      find('gcc home ada', undefined, 100),
    ),
    question('`pid = N`', ROUNDS, 1, () =>
      find(undefined, `pid = ${2 + next(Math.min(EVENTS, 4_000_000))} and time > now-1d`, 1),
    ),
    question(`\`exe like '%nosuch%' and time > now-1m\`, ${minute.toLocaleString('en')} events`, FEW_ROUNDS, 0, () =>
      find(undefined, "exe like '%nosuch%' and time > now-1m", 100),
    ),
    question("`exe like '%nosuch%'`, all events", FEW_ROUNDS, 0, () => find(undefined, "exe like '%nosuch%'", 100)),
    question('`--sql "SELECT count(*) FROM events"`', FEW_ROUNDS, EVENTS, () =>
      countBySql('SELECT count(*) FROM events'),
    ),
  ];
}

async function duckdb(): Promise<StoreFigures['duckdb']> {
  const path = join(folder, 'events.jsonl');
  const file = createWriteStream(path);
  const lines = Math.min(EVENTS, IN_FILE);
  for (let first = 1; first <= lines; first += BATCH) {
    const { lines: bytes } = batchOf(first, BATCH);
    if (!file.write(bytes)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'close');
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const [[version]] = (await (await connection.run('SELECT version()')).getRows()) as [[string]];
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    const start = performance.now();
    const result = await connection.run(
      `SELECT exe, count(*) FROM read_json('${path}', format = 'newline_delimited', columns = {exe: 'VARCHAR'}) GROUP BY exe`,
    );
    const rows = await result.getRows();
    if (rows.reduce((sum, [, n]) => sum + Number(n), 0) !== lines) throw new Error('DuckDB counted other events');
    times.push(performance.now() - start);
  }
  return { megabytes: statSync(path).size / 1e6, seconds: median(times) / 1000, version };
}

try {
  const heldUp = await pauses();
  const written = await fill();
  const files = listPartitions(store);
  const figures: StoreFigures = {
    ...written,
    events: EVENTS,
    partitions: files.length,
    bytes: files.reduce((sum, file) => sum + bytesOf(file), 0) / EVENTS,
    heldUp,
    questions: questions(),
    duckdb: await duckdb(),
    load: loadavg()[2]!,
    processors: availableParallelism(),
  };
  process.stdout.write(values.json ? `${JSON.stringify(figures)}\n` : storeSection(figures));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
