import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { Workplace } from '../agent/support/agent-process.ts';
import { read, start } from '../agent/support/outputs.ts';
import { ClickHouse } from '../support/clickhouse.ts';
import { configurationOf, PAGE, statements, tryDatabase, type Ask, type SqlRow } from '../support/completeness-sql.ts';
import { execEvent, FakeHelper } from '../support/fake-helper.ts';
import { Postgres } from '../support/postgres.ts';
import { residentMiB, SteadyLoad } from './support/steady-load.ts';
import { sealedStreams, type Row } from '../support/sealed-streams.ts';

const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1);
const PASSWORD = 'hunter2';
const OUTAGE_MS = 60_000;
const PER_SECOND = 2000;

async function compare(
  t: ExecutionContext,
  load: (rows: readonly Row[]) => Promise<Ask> | Ask,
  prefix = '',
): Promise<void> {
  let found = 0;
  for (const seed of SEEDS) {
    const { whole, damaged } = await tryDatabase(seed, { hosts: 2, numbers: 200 }, load, prefix);
    t.deepEqual(whole[0], whole[1], `seed ${seed}, nothing is missing`);
    t.deepEqual(damaged[0], damaged[1], `seed ${seed}`);
    found += Object.values(damaged[0]).flat().length;
  }
  t.true(found > 100);
}

/** The newest seals of walrus-1 are from now. */
const HOSTS = sealedStreams({ seed: 1, hosts: 2, rough: false }).map((row) =>
  row.origin.host === 'walrus-1'
    ? { ...row, text: row.text.replace(/"time":"[^"]*"/u, `"time":"${new Date().toISOString()}"`) }
    : row,
);

test.serial('PostgreSQL with the SQL of the page finds exactly what is missing', async (t) => {
  await using server = await new Postgres().start();
  const copy = /`(COPY lines FROM '…' WITH \(.*?\))`/u.exec(PAGE)![1]!;
  const load = (rows: readonly Row[]): Ask => {
    server.run('DROP TABLE IF EXISTS lines, events, gaps, seals');
    const [table, ...rest] = statements('PostgreSQL');
    server.run(table!);
    server.run(copy.replace('…', server.file('lines', rows.map(({ text }) => `${text}\n`).join(''))));
    for (const statement of rest) server.run(statement);
    return (title) => server.rows(statements(title)[0]!);
  };
  await compare(t, load);
  const silent = await load(HOSTS)('Silent hosts: PostgreSQL');
  t.deepEqual(
    silent.map(({ host }) => host),
    ['walrus-0'],
  );
});

/** The path and the query of the page's configuration, with the port of a test. */
const addressOn = (port: number): string => {
  const [, url] = /url: "(.*)"/u.exec(configurationOf('ClickHouse'))!;
  return url!.replace('127.0.0.1:8123', `127.0.0.1:${port}`);
};

test.serial(
  'ClickHouse with the SQL of the page finds exactly what is missing, and lines that were changed',
  async (t) => {
    await using server = await new ClickHouse(PASSWORD).start();
    const rowsOf = async (sql: string): Promise<SqlRow[]> =>
      (JSON.parse(await server.query(`${sql} FORMAT JSON`)) as { data: SqlRow[] }).data;
    const load = async (rows: readonly Row[]): Promise<Ask> => {
      for (const kind of ['seals', 'gaps', 'lines']) await server.query(`DROP TABLE IF EXISTS ${kind}`);
      for (const statement of statements('ClickHouse')) await server.query(statement);
      const response = await fetch(addressOn(server.port), {
        method: 'POST',
        body: rows.map(({ text }) => `${text}\n`).join(''),
        headers: { Authorization: `Basic ${Buffer.from(`probes:${PASSWORD}`).toString('base64')}` },
      });
      t.is(response.status, 200, await response.text());
      return async (title) => rowsOf(statements(title)[0]!);
    };
    await compare(t, load, 'ClickHouse');
    const ask = await load(HOSTS);
    t.deepEqual(
      (await ask('ClickHouse: silent hosts')).map(({ host }) => host),
      ['walrus-0'],
    );

    const rows = sealedStreams({ seed: 3 });
    t.deepEqual(await (await load(rows))('ClickHouse: lines that were changed'), []);
    const victim = rows.find(({ what, seal, origin }) => what.is === 'event' && seal === 2 && !origin.isRough)!;
    const changed = rows.map((row) =>
      row.text === victim.text ? { ...row, text: row.text.replace('/bin/', '/tmp/') } : row,
    );
    const answer = await (await load(changed))('ClickHouse: lines that were changed');
    t.deepEqual(
      answer.map((row) => [row['host_id'], row['boot_id'], row['stream'], Number(row['seal'])]),
      [[victim.origin.host_id, victim.origin.boot_id, victim.origin.stream, 2]],
    );
  },
);

/** The page's configuration, with the places of a test. */
function configurationIn(work: Workplace, { port }: ClickHouse): string {
  writeFileSync(work.path('password'), PASSWORD);
  return configurationOf('ClickHouse')
    .replace('127.0.0.1:8123', `127.0.0.1:${port}`)
    .replace('/etc/platform-probes/clickhouse.password', work.path('password'))
    .replace('/var/lib/platform-probes/spool', work.path('spool'))
    .replace('max_age: 5s', 'max_age: 100ms');
}

test.serial(
  'ClickHouse that is killed under load and away for a minute: its own SQL says that nothing is missing',
  async (t) => {
    t.timeout(240_000);
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    await using server = await new ClickHouse(PASSWORD).start();
    for (const statement of statements('ClickHouse')) await server.query(statement);
    await using agent = await start(work, `source: { socket: ${helper.socketPath} }\n${configurationIn(work, server)}`);
    await agent.until(() => agent.countOf('HelperConnected') === 1);
    const load = new SteadyLoad(helper, PER_SECOND);
    await delay(5000);
    const before = residentMiB(agent.child.pid!);
    await server.kill();
    await delay(OUTAGE_MS);
    const grown = residentMiB(agent.child.pid!) - before;
    await server.start();
    await delay(2000);
    const last = await load.stop();
    const stored = async (): Promise<number> =>
      Number(await server.query("SELECT uniqExact(seq) FROM lines WHERE type = 'exec'"));
    for (let i = 0; i < 600 && (await stored()) < last; i++) await delay(100);
    t.is(await agent.end(), 0);
    t.is(await stored(), last);
    t.is(await server.query("SELECT count() FROM lines WHERE type = 'gap'"), '0');
    t.true(grown < 200, `${grown} MiB`);
    t.is(await server.query('SELECT max(`to`) FROM seals'), String(last));
    for (const title of [
      'events that are missing',
      'gaps that are missing',
      'numbers that no seal covers',
      'lines that were changed',
    ])
      t.is(await server.query(statements(`ClickHouse: ${title}`)[0]!), '', title);
  },
);

test.serial('the configuration of the page sends each line to ClickHouse as it is', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using server = await new ClickHouse(PASSWORD).start();
  for (const statement of statements('ClickHouse')) await server.query(statement);
  const config = configurationIn(work, server);
  const copy = `  - { name: lake, type: file, path: ${work.path('copy')}, identity: true }\n`;
  await using agent = await start(
    work,
    `source: { socket: ${helper.socketPath} }\n${config}${copy.replace('name: lake', 'name: copy')}`,
  );
  const odd = [`a "quoted" \\ text`, 'two\nlines', "it's, here", '\u0001 \t \u0000', 'ü ‮', ''];
  helper.send(...odd.map((text, i) => execEvent(i + 1, { argv: ['/bin/echo', text], command: `/bin/echo ${text}` })));
  await agent.until(() => read(work.path('copy')).includes(`"seq":${odd.length},`));
  t.is(await agent.end(), 0);
  const stored = await server.query("SELECT line FROM lines WHERE type = 'exec' ORDER BY seq FORMAT TSVRaw");
  const sent = read(work.path('copy'))
    .split('\n')
    .filter((line) => line.includes('"type":"exec"'))
    .map((line) => line.replace('"stream":"copy"', '"stream":"lake"'));
  t.deepEqual(stored.split('\n'), sent);
});
