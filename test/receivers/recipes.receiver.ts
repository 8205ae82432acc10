import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { Verdict } from '../../agent/completeness/verdict.ts';
import { keyOfVerdict, problemsOf } from '../agent/completeness/support.ts';
import { Workplace, type AgentProcess } from '../agent/support/agent-process.ts';
import { start } from '../agent/support/outputs.ts';
import { agent as runAgent } from '../agent/support/run.ts';
import { ClickHouse } from '../support/clickhouse.ts';
import { statements } from '../support/completeness-sql.ts';
import { execEvent, FakeHelper, gapEvent } from '../support/fake-helper.ts';
import { lose } from '../support/lost-rows.ts';
import { Postgres } from '../support/postgres.ts';
import { endWithUs } from '../support/reaper.ts';
import { recipe, recipes } from '../support/recipes.ts';
import { ROOT } from '../support/repository.ts';
import { keyOf, randomFrom, sealedStreams, type Row } from '../support/sealed-streams.ts';
import { NatsServer } from './support/nats-server.ts';
import { Rsyslog } from './support/rsyslog.ts';
import { SteadyLoad } from './support/steady-load.ts';
import { VictoriaLogs } from './support/victoria-logs.ts';
import { victoriaLogsTest } from './support/victoria-logs-test.ts';

const CLICKHOUSE = 'docs/recipes/clickhouse.md';
const NATS_CLICKHOUSE = 'docs/recipes/nats-clickhouse.md';
const RSYSLOG = 'docs/recipes/rsyslog.md';
const FILES = 'docs/recipes/files.md';
const VICTORIA_LOGS = 'docs/recipes/victorialogs.md';
const PER_SECOND = 500;

/** The flags of the page, except those that a test needs otherwise. */
const victoriaLogsFlags = (): string[] =>
  [...recipe('The server', 'sh', VICTORIA_LOGS).matchAll(/-insert\S+/gu)].map(([flag]) => flag);

/** The configuration of the page, with the places of a test. */
const toVictoriaLogs = (work: Workplace, helper: FakeHelper, { address }: VictoriaLogs): string =>
  `source: { socket: ${helper.socketPath} }\n${recipe('The agent', 'yaml', VICTORIA_LOGS)}`
    .replace('127.0.0.1:9428', address)
    .replace('/var/lib/platform-probes/spool', work.path('spool'));

const logsql = (title: string): string => recipe(title, 'logsql', VICTORIA_LOGS).trim();

/** Ends the agent, and sees to it that queries see all that the server took: its rows do not become visible in order. */
async function endAndSettle(
  t: ExecutionContext,
  agent: AgentProcess,
  server: VictoriaLogs,
  last: number,
): Promise<void> {
  await server.queryUntil(`seq:=${last}`, (rows) => rows.length > 0);
  t.is(await agent.end(), 0);
  await server.stop();
  await server.start();
  t.is((await server.query('reason:=stop')).length, 1);
}

victoriaLogsTest('VictoriaLogs: what is queried back is what was sent; a stop under load loses nothing', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using server = await new VictoriaLogs(victoriaLogsFlags()).start();
  await using agent = await start(work, toVictoriaLogs(work, helper, server));
  await agent.until(() => agent.countOf('HelperConnected') === 1);
  const load = new SteadyLoad(helper, PER_SECOND);
  for (let i = 0; i < 3; i++) {
    await delay(1500);
    await server.stop();
    await delay(500);
    await server.start();
  }
  const last = await load.stop();
  const odd = ['a "quoted" \\ text', 'two\nlines', '\u0001 \t', 'ü ‮', 'x'.repeat(1_000_000)];
  helper.send(
    gapEvent(last + 1, last + 10),
    ...odd.map((command, i) => execEvent(last + 11 + i, { command, uid: 1000 })),
  );
  await endAndSettle(t, agent, server, last + 15);

  t.deepEqual(await server.query(logsql('Seals that lack events')), []);
  t.deepEqual(await server.query(logsql('Seals that are lost')), []);
  t.deepEqual(await server.query('type:=exec | stats count_uniq(seq) n'), [{ n: String(last + odd.length) }]);
  t.like(await server.query('type:=gap'), { length: 1, 0: { first: String(last + 1), count: '10' } } as object);
  for (const [i, command] of odd.entries()) {
    const [row] = await server.query(`seq:=${last + 11 + i}`);
    t.is(row!['_msg'], command);
    t.like(row, {
      'boot_id': helper.hello.boot_id,
      'stream': 'logs',
      'uid': '1000',
      'parent.exe': execEvent(1).parent!.exe,
    });
  }
  t.is(
    (await server.query(logsql('Programs that a user started').replace('_time:1h', '*'))).length,
    (await server.query('type:=exec uid:=1000')).length,
  );
  const [newest] = await server.query(logsql('Newest seal of each host'));
  t.true(Date.parse(newest!['newest']!) > Date.now() - 600_000);
});

victoriaLogsTest('VictoriaLogs that is killed under load: the seals name exactly what it lost', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using server = await new VictoriaLogs(victoriaLogsFlags()).start();
  await using agent = await start(work, toVictoriaLogs(work, helper, server));
  await agent.until(() => agent.countOf('HelperConnected') === 1);
  const load = new SteadyLoad(helper, PER_SECOND);
  await delay(14_000);
  await server.kill();
  await delay(500);
  await server.start();
  await delay(1500);
  const last = await load.stop();
  await endAndSettle(t, agent, server, last);

  const held = new Set((await server.query('type:=exec | fields seq')).map(({ seq }) => Number(seq)));
  const lost = Array.from({ length: last }, (_, i) => i + 1).filter((seq) => !held.has(seq));
  t.true(lost.length > 0, 'it had some of it in memory');
  t.true(lost.length < 12 * PER_SECOND, `${lost.length}`);
  const sealed = (await server.query('type:=seal')).map(({ from, to }) => [Number(from), Number(to)] as const);
  const named = (await server.query(logsql('Seals that lack events'))).reduce(
    (sum, row) => sum + Number(row['missing']),
    0,
  );
  const inSeals = lost.filter((seq) => sealed.some(([from, to]) => from <= seq && seq <= to));
  t.is(named, inSeals.length);
  // A seal can be among what is lost.
  t.is((await server.query(logsql('Seals that are lost'))).length, inSeals.length === lost.length ? 0 : 1);
});

victoriaLogsTest('VictoriaLogs answers 200 to what it drops, as the limits of the page say', async (t) => {
  // Events of a test are from 2023: older than the retention that it has unless told otherwise.
  await using server = await new VictoriaLogs([...victoriaLogsFlags(), '-retentionPeriod=7d']).start();
  const [, where] = /url: "http:..127.0.0.1:9428(.*)"/u.exec(recipe('The agent', 'yaml', VICTORIA_LOGS))!;
  const send = async (...events: object[]): Promise<number> => {
    const body = events.map((event) => `${JSON.stringify({ host_id: 'h', stream: 's', ...event })}\n`).join('');
    const response = await fetch(`http://${server.address}${where}`, { method: 'POST', body });
    await response.text();
    return response.status;
  };
  t.is(await send(execEvent(1)), 200);
  const time = new Date().toISOString();
  t.is(await send({ time, seq: 2 }, { time, seq: 3, command: 'x'.repeat(2_100_000) }, { time, seq: 4 }), 200);
  const raw = Object.fromEntries(Array.from({ length: 1024 }, (_, i) => [`argv[${i}]`, '/w==']));
  t.is(await send({ ...execEvent(5), time, raw }), 200);
  t.is(await send({ time, seq: 6 }), 200);
  const rows = await server.queryUntil('*', (found) => found.some(({ seq }) => seq === '6'));
  t.deepEqual(rows.map(({ seq }) => seq).toSorted(), ['2', '6']);
  t.is(await server.metric('vl_rows_dropped_total{reason="too_small_timestamp"}'), 1);
  t.regex(server.log, /-insert\.maxLineSizeBytes/u);
});

const PASSWORD = 'hunter2';
const VIEWS = ['Executed programs', 'Seals beside lines', 'Numbers that no seal covers', 'Completeness'];
const KINDS = ['completeness', 'uncovered_numbers', 'seal_checks', 'execs', 'seals', 'gaps', 'lines'];

/** The verdict of `completeness` on a stream. */
type StreamRow = Readonly<Record<string, string | number>>;

/** Makes the tables of the page anew. */
async function makeTables(server: ClickHouse): Promise<void> {
  for (const kind of KINDS) await server.query(`DROP TABLE IF EXISTS ${kind}`);
  for (const statement of statements('ClickHouse')) await server.query(statement);
  for (const title of VIEWS) await server.query(recipe(title, 'sql', CLICKHOUSE));
}

async function insert({ port }: ClickHouse, rows: readonly Row[]): Promise<void> {
  const query = encodeURIComponent('INSERT INTO lines (line) FORMAT CSV');
  const response = await fetch(`http://127.0.0.1:${port}/?query=${query}&format_csv_delimiter=%01`, {
    method: 'POST',
    body: rows.map(({ text }) => `${text}\n`).join(''),
    headers: { Authorization: `Basic ${Buffer.from(`probes:${PASSWORD}`).toString('base64')}` },
  });
  if (!response.ok) throw new Error(await response.text());
}

async function ask<T = StreamRow>(server: ClickHouse, sql: string): Promise<T[]> {
  return (JSON.parse(await server.query(`${sql} FORMAT JSON`)) as { data: T[] }).data;
}

/** The judgement of `probes-agent verify --whole` on the same lines. */
async function verified(work: Workplace, rows: readonly Row[]): Promise<Map<string, Verdict>> {
  writeFileSync(work.path('lines'), rows.map(({ text }) => `${text}\n`).join(''));
  const { stdout, stderr } = await runAgent('verify', '--whole', '--json', work.path('lines'));
  if (stdout === '') throw new Error(stderr);
  return new Map((JSON.parse(stdout) as { streams: Verdict[] }).streams.map((each) => [keyOfVerdict(each), each]));
}

/** The part of a verdict about missing lines, in the words of the view. */
function inViewsWords(verdict: Verdict): object {
  const missing = problemsOf(verdict, 'lines_missing');
  const holes = problemsOf(verdict, 'uncovered').filter(({ from }) => from >= (verdict.from ?? Infinity));
  const sum = (counts: readonly number[]): number => counts.reduce((total, each) => total + each, 0);
  return {
    missing_events: sum(missing.map(({ events }) => events)),
    missing_gap_numbers: sum(missing.map(({ gap_numbers: numbers }) => numbers)),
    uncovered: sum(holes.map(({ from, to }) => to - from + 1)),
    complete: verdict.complete,
  };
}

const inSameWords = (row: StreamRow): object => ({
  missing_events: Number(row['missing_events']),
  missing_gap_numbers: Number(row['missing_gap_numbers']),
  uncovered: Number(row['uncovered']),
  // With --whole, a stream has to begin with its first seal.
  complete: Number(row['complete']) === 1 && Number(row['first_seal']) === 1,
});

test.serial('ClickHouse: the view says of each stream what probes-agent verify says of the same lines', async (t) => {
  using work = new Workplace();
  await using server = await new ClickHouse(PASSWORD).start();
  let [incomplete, streams] = [0, 0];
  for (let seed = 1; seed <= 12; seed++) {
    const rows = sealedStreams({ seed, hosts: 2, numbers: 200, rough: false });
    const { rows: left } = lose(rows, randomFrom(seed + 7), 12);
    for (const lines of [rows, left]) {
      await makeTables(server);
      await insert(server, lines);
      const verdicts = await verified(work, lines);
      const found = await ask(server, 'SELECT * FROM completeness');
      t.is(found.length, verdicts.size);
      for (const row of found) {
        const verdict = verdicts.get(keyOf(row as never))!;
        const where = `seed ${seed}, ${keyOf(row as never)}`;
        t.deepEqual(inSameWords(row), inViewsWords(verdict), where);
        t.is(Number(row['sealed_to']), verdict.sealed_to ?? 0, where);
        if (verdict.complete) t.is(Number(row['events']), verdict.events, where);
        if (lines === rows) t.true(verdict.complete, where);
        streams++;
        incomplete += verdict.complete ? 0 : 1;
      }
      const named = await ask(server, recipe('Streams that are not complete', 'sql', CLICKHOUSE));
      t.is(named.length, found.filter(({ complete }) => Number(complete) !== 1).length);
    }
  }
  t.true(incomplete > 30 && streams > 150, `${incomplete} of ${streams}`);
});

test.serial('ClickHouse: agents that crash and lines that come twice are no alarm; losses are named', async (t) => {
  await using server = await new ClickHouse(PASSWORD).start();
  for (let seed = 1; seed <= 12; seed++) {
    const rows = sealedStreams({ seed, hosts: 2, numbers: 200, rough: true });
    await makeTables(server);
    await insert(server, rows);
    await insert(server, rows.slice(0, rows.length / 2));
    t.deepEqual(await ask(server, recipe('Streams that are not complete', 'sql', CLICKHOUSE)), [], `seed ${seed}`);
    const distinct = new Set(rows.flatMap(({ what, text }) => (what.is === 'event' ? [text] : [])));
    t.is(await server.query('SELECT count() FROM execs'), String(distinct.size));

    const { rows: left, expected } = lose(rows, randomFrom(seed + 7), 12);
    await makeTables(server);
    await insert(server, left);
    const found = await ask(server, recipe('Seals that lack events', 'sql', CLICKHOUSE));
    const texts = (list: readonly string[]): string[] => [...new Set(list)].toSorted();
    t.deepEqual(
      texts(
        found.map((row) => ['boot_id', 'stream', 'seal', 'from', 'to', 'missing'].map((name) => row[name]).join(' ')),
      ),
      texts(
        expected.flatMap(({ key, bySeal }) =>
          bySeal
            .map((text) => text.split(' '))
            .filter((parts) => parts[3] !== '0')
            .map((parts) => [...key.split(',').slice(1), ...parts.slice(0, 4)].join(' ')),
        ),
      ),
      `seed ${seed}`,
    );
  }
});

/** The consumer of the page, as a process. */
function consumerOf(work: Workplace, nats: NatsServer, { port }: ClickHouse): ChildProcess {
  const file = work.path('nats-to-clickhouse.mjs');
  writeFileSync(file, recipe('The consumer', 'js', NATS_CLICKHOUSE));
  if (!existsSync(work.path('node_modules'))) symlinkSync(path.join(ROOT, 'node_modules'), work.path('node_modules'));
  const child = spawn(process.execPath, [file], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { NATS: nats.address, CLICKHOUSE: `http://127.0.0.1:${port}`, LOGIN: `probes:${PASSWORD}` },
  });
  endWithUs(child);
  return child;
}

test.serial('NATS → ClickHouse: consumer and ClickHouse are killed under load; the view says complete', async (t) => {
  t.timeout(180_000);
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using nats = await new NatsServer('nats-server').start();
  await using server = await new ClickHouse(PASSWORD).start();
  await makeTables(server);
  const stream = recipe('NATS JetStream', 'json');
  t.is((await nats.ask('$JS.API.STREAM.CREATE.PROBES', stream))['error'], undefined);
  const outputs = recipe('NATS JetStream', 'yaml')
    .replace(/servers: \[.*\]/u, `servers: ["nats://${nats.address}"]`)
    .replace(/^ +(?:auth|tls|dead_letter): .*\n/gmu, '');
  await using agent = await start(
    work,
    `source: { socket: ${helper.socketPath} }\nspool: { folder: ${work.path('spool')} }\n${outputs}`,
  );
  await agent.until(() => agent.countOf('HelperConnected') === 1);
  const load = new SteadyLoad(helper, PER_SECOND);
  let consumer = consumerOf(work, nats, server);
  for (let i = 0; i < 3; i++) {
    await delay(1500);
    consumer.kill('SIGKILL');
    await once(consumer, 'exit');
    consumer = consumerOf(work, nats, server);
    await delay(1000);
    await server.kill();
    await delay(500);
    await server.start();
  }
  const last = await load.stop();
  for (let i = 0; i < 300 && (await nats.count('PROBES')) < last; i++) await delay(100);
  t.is(await agent.end(), 0);
  const sealed = async (): Promise<boolean> =>
    (await server.query("SELECT count() FROM seals WHERE reason = 'stop'")) === '1' &&
    (await server.query('SELECT uniqExact(seq) FROM execs')) === String(last);
  for (let i = 0; i < 900 && !(await sealed()); i++) await delay(100);
  consumer.kill();
  const [row, ...others] = await ask(server, 'SELECT * FROM completeness');
  t.deepEqual(others, []);
  t.deepEqual(
    ['complete', 'first_seal', 'sealed_to', 'events', 'missing_lines'].map((name) => Number(row![name])),
    [1, 1, last, last, 0],
  );
});

test.serial('PostgreSQL: files become a table; a file that is loaded twice changes nothing', async (t) => {
  await using server = await new Postgres().start();
  const [table, ...rest] = recipes('sql', FILES).filter(({ title }) => title === 'PostgreSQL');
  const copy = /`(COPY incoming FROM '…' WITH \(.*?\))`/u.exec(readFileSync(path.join(ROOT, FILES), 'utf8'))![1]!;
  const run = (text: string): void => {
    for (const statement of text.split(';\n')) server.run(statement);
  };
  run(table!.text);
  t.is(rest.length, 1);
  const rows = sealedStreams({ seed: 4, hosts: 2 });
  const lines = rows.map(({ text }) => `${text}\n`).join('');
  const nul =
    '{"pid":7,"command":"a\\u0000\\u0000b \\\\u0000","timestamp":1,"type":"exec","seq":1,"time":"2026-11-29T02:00:00.5Z","host_id":"h","host":"h","boot_id":"b","stream":"s"}\n';
  for (let i = 0; i < 2; i++) {
    run(copy.replace('…', server.file('lines', lines + nul)));
    run(rest[0]!.text);
  }
  const distinct = new Set(
    rows.flatMap(({ what, origin }) => (what.is === 'event' ? [`${keyOf(origin)} ${what.seq}`] : [])),
  );
  t.deepEqual(server.rows('SELECT count(*) AS n FROM execs'), [{ n: distinct.size + 1 }]);
  t.deepEqual(server.rows("SELECT pid, command FROM execs WHERE host_id = 'h'"), [
    { pid: 7, command: 'a\ufffd\ufffdb \\u0000' },
  ]);
  t.deepEqual(server.rows('SELECT count(*) AS n FROM incoming'), [{ n: 0 }]);
});

test.serial(
  'rsyslog: the file that the page installs takes events, and probes-agent verify finds them complete',
  async (t) => {
    using work = new Workplace();
    const commands = recipe('The receiver', 'sh', RSYSLOG)
      .replaceAll('/etc/rsyslog.d/', `${work.folder}/`)
      .replaceAll('/var/log/platform-probes-fleet', work.path('fleet'))
      .replace('rsyslogd -N1', `rsyslogd -N1 -f ${work.path('platform-probes.conf')}`)
      .replace(' && systemctl restart rsyslog', '');
    const typed = spawnSync('sh', ['-ec', commands], { cwd: ROOT, encoding: 'utf8' });
    t.is(typed.status, 0, typed.stderr);
    t.true(existsSync(work.path('fleet')));
    await using helper = await new FakeHelper().listen();
    const installed = readFileSync(work.path('platform-probes.conf'), 'utf8');
    await using server = await new Rsyslog(({ file, port }) =>
      installed.replace('/var/log/platform-probes-fleet/events.jsonl', file).replace('port="2514"', `port="${port}"`),
    ).start();
    const config = `source: { socket: ${helper.socketPath} }
spool: { folder: ${work.path('spool')} }
outputs:
  - { name: rsyslog, type: syslog, transport: relp, address: "${server.address}" }
`;
    await using agent = await start(work, config);
    helper.send(...Array.from({ length: 500 }, (_, i) => execEvent(i + 1)), gapEvent(501, 510), execEvent(511));
    await server.until(511);
    t.is(await agent.end(), 0);
    await server.untilThere('"reason":"stop"');
    const { code, stdout } = await runAgent('verify', '--whole', '--json', server.places.file);
    t.is(code, 0, stdout);
    t.like((JSON.parse(stdout) as { streams: Verdict[] }).streams, {
      length: 1,
      0: { complete_to: 511, events: 501, in_gaps: 10 },
    } as object);
  },
);
