import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { hostId } from '../../agent/formats/host-id.ts';
import { Certificates } from '../support/certificates.ts';
import { execEvent, FakeHelper, gapEvent } from '../support/fake-helper.ts';
import { recipe } from '../support/recipes.ts';
import { Workplace, type AgentProcess } from '../agent/support/agent-process.ts';
import { linesOf, read, start } from '../agent/support/outputs.ts';
import { judgeBySql } from './support/judge-by-sql.ts';
import { natsServers } from './support/nats-binary.ts';
import { NatsServer, type Stored } from './support/nats-server.ts';
import { NatsUsers } from './support/nats-users.ts';
import { residentMiB, SteadyLoad } from './support/steady-load.ts';

const OUTAGE_MS = 60_000;
const KILLS = 5;
const EVENTS_PER_SECOND = 2000;
const PATIENCE_MS = 60_000;

const certificates = new Certificates();
test.after.always(() => certificates[Symbol.dispose]());

/** The stream of docs/outputs.md. */
const STREAM = JSON.parse(recipe('NATS JetStream', 'json')) as { name: string; subjects: string[]; storage: 'file' };

/** The output of docs/outputs.md, with the places of a test and further keys. */
function configure(work: Workplace, helper: FakeHelper, { address }: NatsServer, more = '', scheme = 'nats'): string {
  const outputs = recipe('NATS JetStream', 'yaml')
    .replace(/servers: \[.*\]/u, `servers: ["${scheme}://${address}"]`)
    .replace(/^ +(?:auth|tls): .*\n/gmu, '')
    .replace('/var/log/platform-probes/refused.jsonl', work.path('refused'));
  return `source: { socket: ${helper.socketPath} }\nspool: { folder: ${work.path('spool')} }\n${outputs}${more === '' ? '' : `    ${more}\n`}`;
}

async function until(what: () => Promise<boolean>, agent: AgentProcess): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await what().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${String(what)}\n${agent.stderr}`);
    await delay(100);
  }
}

const failed = (agent: AgentProcess, reason: RegExp): boolean =>
  agent.events.some(({ event, reason: text }) => event === 'OutputFailed' && reason.test(String(text)));

const isSeal = ({ event }: Stored): boolean => event['type'] === 'seal';
const withoutSeals = (stored: readonly Stored[]): Stored[] => stored.filter((message) => !isSeal(message));

const eventsOn = async (server: NatsServer): Promise<number> => withoutSeals(await server.stored('PROBES')).length;

/** Seals that say more was sent under their number than is there. */
function lacking(stored: readonly Stored[]): unknown[] {
  const found = new Map<unknown, number>();
  for (const { event } of withoutSeals(stored))
    if (event['seq'] !== undefined) found.set(event['seal'], (found.get(event['seal']) ?? 0) + 1);
  return stored.filter((seal) => isSeal(seal) && (found.get(seal.event['seal']) ?? 0) < Number(seal.event['sent']));
}

const numbersIn = (stored: readonly Stored[]): unknown[] => stored.map(({ event }) => event['seq'] ?? event['type']);

for (const { program, version } of natsServers()) {
  test.serial(
    `nats-server ${version}: killed under load, and away for a while; nothing is missing or out of order`,
    async (t) => {
      t.timeout(3 * OUTAGE_MS + 2 * PATIENCE_MS);
      using work = new Workplace();
      await using helper = await new FakeHelper().listen();
      await using server = await new NatsServer(program).start();
      // As the documents say it.
      t.is((await server.ask(`$JS.API.STREAM.CREATE.${STREAM.name}`, JSON.stringify(STREAM)))['error'], undefined);
      // Small batches, so that most kills meet one on its way.
      await using agent = await start(work, configure(work, helper, server, 'batch: { max_age: 10ms }'));
      await agent.until(() => agent.countOf('HelperConnected') === 1);
      const load = new SteadyLoad(helper, EVENTS_PER_SECOND);
      await until(async () => (await server.count(STREAM.name)) > 2 * EVENTS_PER_SECOND, agent);
      const before = residentMiB(agent.child.pid!);
      for (let i = 0; i < KILLS; i++) {
        await server.kill();
        await delay(500);
        await server.start();
        await delay(1500);
      }
      await server.kill();
      await delay(OUTAGE_MS);
      const waiting = residentMiB(agent.child.pid!) - before;
      await server.start();
      await delay(2000);
      const last = await load.stop();
      await until(async () => (await server.count(STREAM.name)) >= last, agent);
      const grown = residentMiB(agent.child.pid!) - before;
      t.is(await agent.end(), 0);

      const all = await server.stored(STREAM.name);
      const stored = withoutSeals(all);
      judgeBySql(t, new Set(all.map(({ event }) => JSON.stringify(event))));
      t.deepEqual(lacking(all), [], 'each seal has the events that it says were sent');
      const sealed = all.filter(isSeal).map(({ event }) => Number(event['sent']));
      t.is(
        sealed.reduce((sum, sent) => sum + sent, 0),
        last,
        'and they cover all of it',
      );
      // The stream drops by its id a message that comes a second time within its window.
      t.is(stored.length, last);
      t.true(stored.every(({ event }, i) => event['seq'] === i + 1));
      t.true(stored.every(({ subject }) => subject === `probes.${hostId()}.exec`));
      // Waiting records lie on disk. When all of them go out at once, there is garbage, as much as V8 lets be.
      t.true(waiting < 64, `${waiting} MiB more while the server was away`);
      t.true(grown < 256, `${grown} MiB more at the end`);
      t.true(agent.countOf('OutputRecovered') >= KILLS, agent.stderr);
      t.is(agent.countOf('EventsDropped'), 0);
      t.true(last > (OUTAGE_MS / 1000) * EVENTS_PER_SECOND * 0.9, String(last));
    },
  );

  test.serial(`nats-server ${version}: without a stream nothing is lost, and the log says what to type`, async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    await using server = await new NatsServer(program).start();
    await using agent = await start(work, configure(work, helper, server));
    helper.send(...Array.from({ length: 1000 }, (_, i) => execEvent(i + 1)));
    await agent.until(() => failed(agent, /^no JetStream stream has the subject; .*--subjects 'probes\.>'/u));
    await server.stream({ name: 'OTHER', subjects: ['probes.>'] });
    await agent.until(() => failed(agent, /another stream than PROBES; .*\(error 10060\)$/u));
    await server.stream({ name: 'OTHER', subjects: ['elsewhere'] });
    await server.stream({ name: 'PROBES', subjects: ['probes.>'] });
    await until(async () => (await eventsOn(server)) === 1000, agent);
    t.is(await server.count('OTHER'), 0);
    helper.send(gapEvent(1001, 1010), { type: 'later' }, execEvent(1011));
    await until(async () => (await eventsOn(server)) === 1003, agent);
    t.is(await agent.end(), 0);
    const stored = withoutSeals(await server.stored('PROBES'));
    t.deepEqual(numbersIn(stored), [...Array.from({ length: 1000 }, (_, i) => i + 1), 'gap', 'later', 1011]);
    const boot = helper.hello.boot_id;
    t.is(stored[0]!.id, `${boot}:1:nats:1`);
    t.regex(stored[1000]!.id!, new RegExp(`^${boot}:1001-1010:[0-9a-f]{16}:nats$`, 'u'));
    t.like(stored[0]!.event, { host_id: hostId(), boot_id: boot, stream: 'nats', schema_version: 1 });
  });

  test.serial(
    `nats-server ${version}: a full stream is waited for; what is too large becomes a gap and a dead letter`,
    async (t) => {
      using work = new Workplace();
      await using helper = await new FakeHelper().listen();
      await using server = await new NatsServer(program).start('max_payload: 20000');
      const full = { name: 'PROBES', subjects: ['probes.>'], discard: 'new' as const, max_msg_size: 5000 };
      await server.stream({ ...full, max_bytes: 50_000 });
      await using agent = await start(work, configure(work, helper, server));
      const command = 'x'.repeat(6000);
      helper.send(execEvent(1), execEvent(2, { command }), execEvent(3, { command: 'y'.repeat(30_000) }));
      helper.send(...Array.from({ length: 197 }, (_, i) => execEvent(i + 4)));
      await agent.until(() => failed(agent, /^the stream is full \(max_bytes\) .*\(error 10077\)$/u));
      const before = await server.count('PROBES');
      t.true(before > 10 && before < 190, String(before));
      await server.stream({ ...full, max_bytes: 10_000_000 });
      await until(async () => (await server.stored('PROBES')).some(({ event }) => event['seq'] === 200), agent);
      t.is(await agent.end(), 0);
      const stored = withoutSeals(await server.stored('PROBES'));
      const events = stored.filter(({ event }) => event['type'] === 'exec').map(({ event }) => event['seq']);
      t.deepEqual(events, [1, ...Array.from({ length: 197 }, (_, i) => i + 4)]);
      const gaps = stored.flatMap(({ event }) => (event['type'] === 'gap' ? [event] : []));
      t.deepEqual(
        gaps.map(({ first, last, cause }) => [first, last, cause]),
        [[2, 3, 'rejected']],
      );
      const letters = linesOf(readFileSync(work.path('refused'), 'utf8')).map(
        (line) => JSON.parse(line) as { reason: string; event: { seq: number } },
      );
      t.deepEqual(
        letters.map(({ event, reason }) => [event.seq, /\((?:max_payload|error 10054)/u.test(reason)]),
        [
          [2, true],
          [3, true],
        ],
      );
    },
  );

  test.serial(
    `nats-server ${version}: passwords, tokens, nkeys and credentials are taken, wrong ones say so`,
    async (t) => {
      const users = new NatsUsers();
      for (const [what, config, auth, files] of [
        ['password', 'authorization { user: ada, password: "new hunter2" }', 'user: ada, password_file', 'new hunter2'],
        ['token', 'authorization { token: "hunter2-new" }', 'token_file', 'hunter2-new'],
        ['nkey', `authorization { users: [{ nkey: ${users.plain.publicKey} }] }`, 'nkey_file', users.plain.seed],
        ['creds', users.serverConfig, 'creds_file', users.creds],
      ] as const) {
        using work = new Workplace();
        await using helper = await new FakeHelper().listen();
        await using server = new NatsServer(program, users.clientFor(what));
        await server.start(config);
        await server.stream({ name: 'PROBES', subjects: ['probes.>'], max_bytes: 1_000_000 });
        const file = work.path('secret');
        const wrong = { password: 'old', token: 'old', nkey: users.stranger.seed, creds: users.strangersCreds }[what];
        writeFileSync(file, `${wrong}\n`);
        await using agent = await start(work, configure(work, helper, server, `auth: { ${auth}: ${file} }`));
        helper.send(execEvent(1), execEvent(2));
        await agent.until(() => failed(agent, /^the server does not take the credentials; see auth$/u));
        writeFileSync(`${file}.new`, `${files}\n`);
        renameSync(`${file}.new`, file);
        await until(async () => (await eventsOn(server)) === 2, agent);
        t.is(await agent.end(), 0, what);
        t.notRegex(agent.stderr + agent.stdout, /hunter2|SU[A-Z2-7]{56}/u);
      }
    },
  );

  test.serial(`nats-server ${version}: what a user may not do is said`, async (t) => {
    for (const [permissions, reason] of [
      ['publish: "other"', /^the server does not let this user publish to the subject/u],
      ['subscribe: "_MINE.>"', /^the server does not let this user subscribe to its inbox.*inbox_prefix/u],
    ] as const) {
      using work = new Workplace();
      await using helper = await new FakeHelper().listen();
      await using server = new NatsServer(program, { user: 'root', pass: 'root' });
      await server.start(
        `authorization { users: [{ user: root, password: root }, { user: ada, password: ada, permissions: { ${permissions} } }] }`,
      );
      await server.stream({ name: 'PROBES', subjects: ['probes.>'] });
      writeFileSync(work.path('password'), 'ada');
      const auth = `auth: { user: ada, password_file: ${work.path('password')} }`;
      const config = configure(work, helper, server, auth);
      await using agent = await start(work, config);
      helper.send(execEvent(1));
      await agent.until(() => failed(agent, reason));
      t.is(await server.count('PROBES'), 0);
      if (permissions.startsWith('publish')) continue;
      work.configure(`${config}    inbox_prefix: _MINE.of.this\n`);
      agent.child.kill('SIGHUP');
      await until(async () => (await eventsOn(server)) === 1, agent);
      t.is(await agent.end(), 0);
    }
  });

  for (const first of version.startsWith('2.9.') ? [false] : [false, true])
    test.serial(
      `nats-server ${version}: TLS${first ? ' before the first line' : ''}, with certificates on both sides`,
      async (t) => {
        using work = new Workplace();
        await using helper = await new FakeHelper().listen();
        const shown = (name: string): object => ({
          certFile: certificates.cert(name),
          keyFile: certificates.key(name),
        });
        await using server = new NatsServer(program, {
          tls: { caFile: certificates.cert('ca'), handshakeFirst: first, ...shown('client') },
        });
        await server.start(
          `tls { cert_file: "${certificates.cert('server')}", key_file: "${certificates.key('server')}", ca_file: "${certificates.cert('ca')}", verify: true${first ? ', handshake_first: true' : ''} }`,
        );
        await server.stream({ name: 'PROBES', subjects: ['probes.>'] });
        const [cert, key] = [work.path('cert'), work.path('key')];
        const use = (name: string): void => {
          for (const [file, content] of [
            [cert, certificates.cert(name)],
            [key, certificates.key(name)],
          ] as const) {
            writeFileSync(`${file}.new`, readFileSync(content));
            renameSync(`${file}.new`, file);
          }
        };
        use('other-client');
        const tls = `tls: { ca: ${certificates.cert('ca')}, cert: ${cert}, key: ${key} }\n    tls_first: ${first}`;
        await using agent = await start(work, configure(work, helper, server, tls, 'tls'));
        helper.send(...Array.from({ length: 3000 }, (_, i) => execEvent(i + 1)));
        await agent.until(() => failed(agent, /does not take the agent's certificate|ended the connection/u));
        t.is(await server.count('PROBES'), 0);
        use('client');
        await until(async () => (await eventsOn(server)) === 3000, agent);
        t.is(await agent.end(), 0);
        t.is(read(work.path('refused')), '');
      },
    );
}
