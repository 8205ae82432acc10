import { copyFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { problemsOf } from '../agent/delivery/seal/check.ts';
import { Workplace, type AgentProcess } from '../agent/support/agent-process.ts';
import { read, start } from '../agent/support/outputs.ts';
import { Certificates } from '../support/certificates.ts';
import { execEvent, FakeHelper } from '../support/fake-helper.ts';
import { recipe } from '../support/recipes.ts';
import { Rsyslog, shipped, type Places } from './support/rsyslog.ts';
import { judgeBySql } from './support/judge-by-sql.ts';
import { residentMiB, SteadyLoad } from './support/steady-load.ts';

const OUTAGE_MS = 60_000;
const PER_SECOND = 2000;

const certificates = new Certificates();
test.after.always(() => certificates[Symbol.dispose]());

/** The shipped configuration as it is. */
const plainRelp = (places: Places): string => shipped('platform-probes.conf', places);

/** The shipped configuration with its second input in place of the first. */
const relpOverTls = (places: Places): string =>
  plainRelp(places)
    .replace(/^input\(.*\n/mu, '')
    .replaceAll(/^#(input\(|\)|  \S.*)$/gmu, '$1')
    .replace('/etc/rsyslog.d/ca.pem', certificates.cert('ca'))
    .replace('/etc/rsyslog.d/server.pem', certificates.cert('server'))
    .replace('/etc/rsyslog.d/server.key', certificates.key('server'))
    .replace('*.hosts.example', 'client');

/** A configuration whose input gives no acknowledgements. */
const stream =
  (input: string) =>
  ({ file, port, socket }: Places): string =>
    `global(maxMessageSize="16m")
template(name="line" type="string" string="%msg%\\n")
ruleset(name="probes") { action(type="omfile" file="${file}" template="line") }
${input.replace('PORT', String(port)).replace('SOCKET', socket)}\n`;

const TLS_DRIVER = (driver: string): string => `global(
  defaultNetstreamDriverCAFile="${certificates.cert('ca')}"
  defaultNetstreamDriverCertFile="${certificates.cert('server')}"
  defaultNetstreamDriverKeyFile="${certificates.key('server')}"
)
module(load="imtcp" streamDriver.name="${driver}" streamDriver.mode="1" streamDriver.authMode="x509/name" permittedPeer=["client"])
input(type="imtcp" address="127.0.0.1" port="PORT" ruleset="probes")`;

const TLS_KEYS = `tls: { ca: ${certificates.cert('ca')}, cert: ${certificates.cert('client')}, key: ${certificates.key('client')} }`;

/** The output of a recipe in docs/outputs.md, with the places of a test. */
const fromRecipe = (title: string, { address }: Rsyslog): string =>
  recipe(title, 'yaml')
    .replaceAll(/address: \S+?(?=[ ,}]|$)/gmu, `address: "${address}"`)
    .replace('/etc/platform-probes/ca.pem', certificates.cert('ca'))
    .replace('/etc/platform-probes/agent.pem', certificates.cert('client'))
    .replace('/etc/platform-probes/agent.key', certificates.key('client'))
    .replace(/^ +dead_letter:.*\n/mu, '');

async function running(work: Workplace, helper: FakeHelper, outputs: string): Promise<AgentProcess> {
  const agent = await start(work, `source: { socket: ${helper.socketPath} }\n${outputs}`);
  await agent.until(() => agent.countOf('HelperConnected') === 1);
  return agent;
}

const spoolIn = (work: Workplace): string => `spool: { folder: ${work.path('spool')} }\n`;

/** Ends the agent, whose last seal then arrives. @returns what the seals say that lacks */
async function endAndVerify(t: ExecutionContext, agent: AgentProcess, server: Rsyslog): Promise<string[]> {
  t.is(await agent.end(), 0);
  for (let i = 0; i < 50 && !server.lines.some((line) => line.includes('"reason":"stop"')); i++) await delay(100);
  // Without acknowledgements the last seal itself can be missing: then nothing is said of the numbers behind the one before.
  if (agent.countOf('OutputUnacknowledged') === 0)
    t.true(server.lines.some((line) => line.includes('"reason":"stop"')));
  return problemsOf(server.lines);
}

/** That each number up to the last came, the first time in order. @returns how many came again */
function expectAll(t: ExecutionContext, { events }: Rsyslog, last: number): number {
  t.deepEqual(
    events.filter(({ type }) => type === 'gap'),
    [],
  );
  const numbers = events.map(({ seq }) => seq as number);
  const firsts = [...new Set(numbers)];
  t.is(firsts.length, last);
  t.true(firsts.every((seq, i) => seq === i + 1));
  return numbers.length - last;
}

test.serial('RELP over TLS: rsyslog that is killed under load and away for a minute misses nothing', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using server = await new Rsyslog(relpOverTls).start();
  await using agent = await running(work, helper, spoolIn(work) + fromRecipe('rsyslog over RELP', server));
  const load = new SteadyLoad(helper, PER_SECOND);
  await server.until(PER_SECOND);
  await server.kill();
  await delay(OUTAGE_MS / 6);
  const before = residentMiB(agent.child.pid!);
  await delay((OUTAGE_MS * 5) / 6);
  const grown = residentMiB(agent.child.pid!) - before;
  await server.start();
  const last = await load.stop();
  await server.until(last);
  const again = expectAll(t, server, last);
  t.log(`${last} events, ${again} of them twice; ${Math.round(grown)} MiB more memory during the outage`);
  // Messages were on their way when rsyslog was killed: a window of them.
  t.true(again <= 128);
  t.true(grown < 200, `${grown} MiB`);
  t.true(agent.countOf('OutputRecovered') > 0);
  t.deepEqual(await endAndVerify(t, agent, server), []);
  judgeBySql(t, new Set(server.lines));
});

test.serial('RELP: rsyslog that is killed eight times under load misses nothing', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using server = await new Rsyslog(plainRelp).start();
  await using agent = await running(
    work,
    helper,
    `${spoolIn(work)}outputs:\n  - { name: soc, type: syslog, transport: relp, address: "${server.address}", batch: { max_age: 20ms } }\n`,
  );
  const load = new SteadyLoad(helper, 2 * PER_SECOND);
  for (let i = 1; i <= 8; i++) {
    await server.until(load.last + 500);
    await server.kill();
    await delay(100 * i);
    await server.start();
  }
  const last = await load.stop();
  await server.until(last);
  const again = expectAll(t, server, last);
  t.log(`${last} events, ${again} of them twice`);
  t.true(again <= 8 * 128);
  t.deepEqual(await endAndVerify(t, agent, server), []);
});

for (const [what, changed, isLossy] of [
  ['as shipped, what rsyslog has acknowledged survives its end', '$&', false],
  [
    'with a queue instead, acknowledged events are lost, which is why',
    ' queue.type="LinkedList" queue.dequeueBatchSize="1" queue.dequeueSlowdown="5000"',
    true,
  ],
] as const)
  test.serial(`RELP: ${what}`, async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    // Slow, so that events wait somewhere: with Direct in the agent, otherwise in the queue.
    const configure = (places: Places): string =>
      plainRelp(places)
        .replace(/^ +#sync="on"/mu, 'sync="on"')
        .replace(/ queue\.type="Direct"(?=\) \{)/u, changed);
    await using server = await new Rsyslog(configure).start();
    await using agent = await running(
      work,
      helper,
      `outputs:\n  - { name: soc, type: syslog, transport: relp, address: "${server.address}" }\n`,
    );
    helper.send(...Array.from({ length: 2000 }, (_, i) => execEvent(i + 1)));
    await server.until(100);
    await server.kill();
    await server.start();
    helper.send(execEvent(2001));
    await server.until(2001);
    const arrived = new Set(server.events.map(({ seq }) => seq)).size;
    t.log(`${2001 - arrived} of 2001 lost`);
    t.is(arrived < 2001, isLossy);
    t.is(await agent.end(), 0);
  });

test.serial('RELP: events that are longer than what rsyslog takes by default arrive whole', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using server = await new Rsyslog(plainRelp).start();
  await using agent = await running(
    work,
    helper,
    `outputs:\n  - { name: soc, type: syslog, transport: relp, address: "${server.address}" }\n`,
  );
  const command = `/usr/bin/true ${'größe\u007f\t{#011} '.repeat(20_000)}`;
  helper.send(execEvent(1), execEvent(2, { command }), execEvent(3));
  await server.until(3);
  t.is(expectAll(t, server, 3), 0);
  t.is(server.events[1]!['command'], command);
  t.is(await agent.end(), 0);
});

test.serial(
  'RELP: rsyslog with its default limit cuts a long event, which max_message_bytes makes a gap instead',
  async (t) => {
    for (const [more, types] of [
      ['', ['exec', 'cut', 'exec']],
      [', max_message_bytes: 8KiB', ['exec', 'exec', 'gap']],
    ] as const) {
      using work = new Workplace();
      await using helper = await new FakeHelper().listen();
      await using server = await new Rsyslog((places) =>
        plainRelp(places)
          .replace(/^global\(maxMessageSize.*\n/mu, '')
          .replaceAll(/ maxDataSize="\w+"/gu, ''),
      ).start();
      await using agent = await running(
        work,
        helper,
        `outputs:\n  - { name: soc, type: syslog, transport: relp, address: "${server.address}"${more} }\n`,
      );
      helper.send(execEvent(1), execEvent(2, { command: 'x'.repeat(20_000) }), execEvent(3));
      await server.until(3);
      if (more !== '') await server.untilThere('"cause":"rejected"');
      t.is(agent.countOf('OutputFailed'), 0);
      t.is(agent.countOf('EventsRefused'), more === '' ? 0 : 1);
      t.deepEqual(server.lines.map(typeOf), [...types]);
      t.is(await agent.end(), 0);
    }
  },
);

/** The type of an event; `cut` where a line is none any more. */
function typeOf(line: string): unknown {
  try {
    return (JSON.parse(line) as { type: unknown }).type;
  } catch {
    return 'cut';
  }
}

for (const [title, input, keys] of [
  [
    'TCP',
    'module(load="imtcp")\ninput(type="imtcp" address="127.0.0.1" port="PORT" ruleset="probes")',
    'transport: tcp, address: ADDRESS',
  ],
  ['TLS (gtls) with a client certificate', TLS_DRIVER('gtls'), `transport: tcp, address: ADDRESS, ${TLS_KEYS}`],
  ['TLS (ossl) with a client certificate', TLS_DRIVER('ossl'), `transport: tcp, address: ADDRESS, ${TLS_KEYS}`],
  [
    'a Unix socket',
    'module(load="imptcp")\ninput(type="imptcp" path="SOCKET" ruleset="probes")',
    'transport: unix, path: SOCKET',
  ],
] as const) {
  test.serial(
    `${title}: everything arrives in order; after a kill the agent says what may be lost, and goes on`,
    async (t) => {
      using work = new Workplace();
      await using helper = await new FakeHelper().listen();
      await using server = await new Rsyslog(stream(input)).start();
      const place = keys.replace('ADDRESS', `"${server.address}"`).replace('SOCKET', server.places.socket);
      await using agent = await running(
        work,
        helper,
        `${spoolIn(work)}outputs:\n  - { name: soc, type: syslog, ${place}, batch: { max_age: 100ms } }\n`,
      );
      t.is(agent.countOf('OutputUnacknowledged'), 1);
      const load = new SteadyLoad(helper, PER_SECOND);
      await server.until(3 * PER_SECOND);
      t.is(agent.countOf('OutputFailed'), 0);
      await server.kill();
      await delay(2000);
      await server.start();
      await server.until(load.last);
      const last = await load.stop();
      await server.until(last);
      const numbers = [...new Set(server.events.map(({ seq }) => seq as number))];
      t.true(
        numbers.every((seq, i) => i === 0 || seq > numbers[i - 1]!),
        'in order',
      );
      t.log(`${last} events, ${last - numbers.length} lost with the connection`);
      t.true(numbers.length > last - 2 * PER_SECOND);
      t.true(
        agent.events.some(
          ({ event, reason }) => event === 'OutputFailed' && /may be lost$|ended/u.test(String(reason)),
        ),
      );
      const problems = await endAndVerify(t, agent, server);
      t.is(problems.length > 0, numbers.length < last, 'the seals show what is lost');
    },
  );
}

test.serial(
  "a stranger's certificate is not taken; once the right one is in its place, nothing is missing",
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    await using server = await new Rsyslog(relpOverTls).start();
    const show = (name: string): void => {
      copyFileSync(certificates.cert(name), work.path('agent.pem'));
      copyFileSync(certificates.key(name), work.path('agent.key'));
    };
    show('other-client');
    await using agent = await running(
      work,
      helper,
      fromRecipe('rsyslog over RELP', server)
        .replace(certificates.cert('client'), work.path('agent.pem'))
        .replace(certificates.key('client'), work.path('agent.key')),
    );
    helper.send(execEvent(1));
    await agent.until(() => agent.countOf('OutputFailed') > 0);
    t.is(read(server.places.file), '');
    show('client');
    await server.until(1);
    t.is(await agent.end(), 0);
  },
);
