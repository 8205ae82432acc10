import { chmodSync, chownSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { eventRow } from '../../../agent/commands/query/event-row.ts';
import { tableLines } from '../../../agent/commands/query/table.ts';
import { widthOf } from '../../../agent/terminal/columns.ts';
import { neutralise } from '../../../agent/terminal-text.ts';
import { listPartitions } from '../../../agent/store/files.ts';
import { execEvent, gapEvent } from '../../support/fake-helper.ts';
import { CLIENT_GID, CLIENT_UID } from '../../support/helper-process.ts';
import { AgentProcess, Workplace } from '../support/agent-process.ts';
import { execs, StoreFolder, stored } from '../store/support.ts';

interface Answer {
  code: number | null;
  lines: Record<string, unknown>[];
  stderr: string;
}

async function query(...args: string[]): Promise<Answer> {
  await using agent = new AgentProcess(['query', ...args]);
  const { code } = await agent.exited;
  const lines = agent.stdout.split('\n').filter((line) => line !== '');
  return { code, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>), stderr: agent.stderr };
}

const rm = execEvent(3, { command: '/bin/rm -rf /srv', exe: '/bin/rm', pid: 77, start_time: 770 });

test('a condition, words, a tree and SQL are answered from the store that the configuration names', async (t) => {
  using work = new Workplace();
  using store = new StoreFolder().with(...execs(1, 2), rm);
  work.configure(`store: { folder: ${store.folder} }\noutputs:\n  - { name: screen, type: stdout }\n`);
  const config = ['--config', work.configFile];
  const byCondition = await query("exe like '%/rm'", ...config);
  t.is(byCondition.code, 0, byCondition.stderr);
  t.deepEqual(
    byCondition.lines.map(({ command }) => command),
    [rm.command],
  );
  const byWords = await query('--match', 'srv', ...config);
  t.deepEqual(byWords.lines, byCondition.lines);
  const tree = await query('--tree', '77', ...config);
  t.deepEqual(
    tree.lines.map(({ depth, seq }) => [depth, seq]),
    [[0, 3]],
  );
  t.true(
    tree.stderr.includes('above them is process 12001 (/usr/bin/bash), of which the store has no start'),
    tree.stderr,
  );
  const sql = await query(
    '--sql',
    'SELECT pid, 9007199254740993 AS large, NULL AS missing FROM events WHERE seq = 3',
    ...config,
  );
  t.is(sql.code, 0, sql.stderr);
  t.deepEqual(sql.lines, [{ pid: 77, large: Number('9007199254740993'), missing: null }]);
});

test('what a limit leaves out is said', async (t) => {
  using store = new StoreFolder().with(...execs(1, 5));
  for (const args of [[], ['--sql', 'SELECT seq FROM events ORDER BY seq DESC']]) {
    const some = await query('--store', store.folder, '--limit', '2', ...args);
    t.deepEqual(
      some.lines.map(({ seq }) => seq),
      [5, 4],
    );
    t.true(some.stderr.includes('there are more than these 2; --limit N shows more'), some.stderr);
    t.is((await query('--store', store.folder, '--limit', '5', ...args)).stderr, '');
  }
});

test('a statement without end is ended by its time, and one without bounds by its memory', async (t) => {
  using store = new StoreFolder().with(...execs(1, 5));
  const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n';
  const slow = await query('--store', store.folder, '--timeout', '1s', '--sql', endless);
  t.is(slow.code, 12);
  t.true(slow.stderr.includes('the time is up; ask for less'), slow.stderr);
  const large =
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(DISTINCT i || hex(zeroblob(2000))) FROM n';
  const much = await query('--store', store.folder, '--timeout', '60s', '--sql', large);
  t.is(much.code, 12);
  t.true(much.stderr.includes('took more than 1024 MiB of memory'), much.stderr);
});

test('a reader that has seen enough ends the query quietly', async (t) => {
  using store = new StoreFolder().with(...execs(1, 3000, { cwd: 'x'.repeat(1000) }));
  for (const args of [[], ['--sql', 'SELECT json FROM events']]) {
    await using agent = new AgentProcess(['query', '--store', store.folder, '--limit', '3000', ...args]);
    agent.child.stdout!.once('data', () => agent.child.stdout!.destroy());
    t.deepEqual(await agent.exited, { code: 0, signal: null });
    t.is(agent.stderr, '');
  }
});

for (const [args, code, message] of [
  [['exe ='], 12, 'at character 6, the end: expected a value'],
  [['--match', '--'], 12, 'has no word'],
  [['--sql', 'DELETE FROM records'], 12, 'only SELECT is allowed'],
  [['--sql', 'SELECT 1', '--tree', '1'], 2, 'give either --sql or --tree'],
  [['pid = 1', '--tree', '1'], 2, '--tree takes no condition beside it'],
  [['--alerts', '--sql', 'SELECT 1'], 2, 'there is a view of that name'],
  [['--start-time', '1'], 2, '--start-time belongs to --tree'],
  [['--tree', '9'], 12, 'the store has no program that process 9 ran'],
  [['--tree', 'x'], 2, 'expected a whole number'],
  [['--limit', '0'], 2, 'expected a whole number from 1'],
  [['--timeout', '30'], 2, 'expected a duration'],
  [['--store', '/proc/self/task'], 12, '/proc/self/task has no file of a store'],
  [['--store', '/proc/self/stat'], 12, '/proc/self/stat is not a folder'],
  [['--store', '/no/such/folder'], 12, 'there is no folder /no/such/folder; the agent makes it'],
] as const)
  test(`query ${args.join(' ')} ends with ${code}`, async (t) => {
    using store = new StoreFolder().with(...execs(1, 1));
    const answer = await query('--store', store.folder, ...args);
    t.is(answer.code, code);
    t.true(answer.stderr.includes(message), answer.stderr);
  });

test('a configuration without a store says what to add', async (t) => {
  using work = new Workplace();
  work.configure('outputs:\n  - { name: screen, type: stdout }\n');
  const { code, stderr } = await query('--config', work.configFile);
  t.is(code, 3);
  t.true(stderr.includes('it has no "store"; add store: { folder: … }'), stderr);
});

test('a damaged partition is told, and the status says so', async (t) => {
  using store = new StoreFolder();
  let now = 0;
  const writer = store.writer({ maxAgeMs: 8000, now: () => now });
  writer.write(stored(execs(1, 5)));
  now = 1000;
  writer.tidy();
  writer.write(stored(execs(6, 5)));
  writer.close();
  const { path } = listPartitions(store.folder)[0]!;
  writeFileSync(path, readFileSync(path).fill(0xa5, 16, 4096));
  for (const args of [[], ['--sql', 'SELECT seq FROM events ORDER BY seq DESC']]) {
    const answer = await query('--store', store.folder, ...args);
    t.is(answer.code, 12);
    t.deepEqual(
      answer.lines.map(({ seq }) => seq),
      [10, 9, 8, 7, 6],
    );
    t.true(answer.stderr.includes(`${path} is damaged and left out`), answer.stderr);
  }
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;
const skipped = process.getuid?.() === 0 ? '' : ' [skipped: needs root]';

/** Answers as a user who is in the group of the folder, if at all. */
async function queryAsOther(store: StoreFolder): Promise<{ stdout: string; stderr: string }> {
  const program = fileURLToPath(new URL('../support/open-store.ts', import.meta.url));
  const child = spawn(process.execPath, [program, store.folder], {
    uid: CLIENT_UID,
    gid: CLIENT_GID,
    env: {},
    cwd: '/',
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => (stdout += String(text)));
  child.stderr.on('data', (text) => (stderr += String(text)));
  await once(child, 'close');
  return { stdout, stderr };
}

asRoot(
  `a user who may read the folder reads it while it is written, and after a kill; another is told what to do${skipped}`,
  async (t) => {
    using store = new StoreFolder();
    chmodSync(store.root, 0o755);
    const writer = store.writer();
    const refused = await queryAsOther(store);
    t.true(refused.stderr.includes('may not be read by this user; run the query as the agent'), refused.stderr);
    writer.close();
    chownSync(store.folder, 0, CLIENT_GID);
    chmodSync(store.folder, 0o2750);
    let now = 0;
    const second = store.writer({ maxAgeMs: 8000, now: () => now });
    second.write(stored(execs(1, 5)));
    now = 1000;
    second.tidy();
    second.write(stored(execs(6, 5)));
    t.is((await queryAsOther(store)).stdout, '10 9 8 7 6 5 4 3 2 1', 'while it is written');
    // A copy of the files as they are is what a kill leaves.
    using killed = new StoreFolder();
    chmodSync(killed.root, 0o755);
    cpSync(store.folder, killed.folder, { recursive: true });
    chownSync(killed.folder, 0, CLIENT_GID);
    chmodSync(killed.folder, 0o2750);
    for (const name of readdirSync(killed.folder)) chownSync(join(killed.folder, name), 0, CLIENT_GID);
    t.is((await queryAsOther(killed)).stdout, '10 9 8 7 6 5 4 3 2 1', 'after a kill');
    second.close();
    t.is((await queryAsOther(store)).stdout, '10 9 8 7 6 5 4 3 2 1', 'afterwards');
  },
);

test('a table fits the terminal, and no cell can do anything to it', (t) => {
  const rows = [
    ['2026-01-01', '0', `/bin/sh -c ${'x'.repeat(300)}\u001b[2J\u202e\n`],
    ['2026-01-02', '1000', '日本語'.repeat(40)],
    ['', '-', ''],
  ];
  for (const columns of [20, 40, 80, 200]) {
    const lines = tableLines(['TIME', 'UID', 'COMMAND'], rows, columns);
    t.is(lines.length, 4);
    for (const line of lines) {
      t.true(widthOf(line) <= columns, `${columns}: ${line}`);
      t.is(neutralise(line), line);
    }
  }
  t.deepEqual(tableLines(['A', 'B'], [['1', '2']], Infinity), ['A  B', '1  2']);
  const wide = tableLines(
    Array.from({ length: 30 }, (_, i) => `column ${i}`),
    [],
    80,
  );
  t.true(widthOf(wide[0]!) <= 80);
});

test('each kind of event is a row', (t) => {
  const last = (event: object): string => eventRow(JSON.stringify(event)).at(-1)!;
  t.is(last({ ...rm, rules: [{ level: 'high', title: 'Odd' }] }), '[HIGH: Odd] /bin/rm -rf /srv');
  t.is(last({ ...rm, type: 'exec_failed', error: 'ENOENT' }), '/bin/rm -rf /srv (failed: ENOENT)');
  t.is(last({ type: 'exit', exit_code: 3 }), 'ended with status 3');
  t.is(last({ type: 'exit', signal: 'SIGKILL' }), 'ended by SIGKILL');
  t.is(last(gapEvent(5, 9)), '!!! 5 EVENTS MISSING: numbers 5 to 9, lost at ring (ring_full)');
  t.is(last({ type: 'clock' }), 'clock {"type":"clock"}');
});
