import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { userInfo } from 'node:os';
import test from 'ava';
import type { ExecEvent } from '../../shared/events/exec.ts';
import { execEvent, FakeHelper } from '../support/fake-helper.ts';
import { ownPort } from '../support/own-port.ts';
import { AgentProcess, Workplace } from './support/agent-process.ts';
import { linesOf, read, start } from './support/outputs.ts';

type Line = Record<string, unknown>;

const sha256 = (file: string): string => execFileSync('sha256sum', [file], { encoding: 'utf8' }).slice(0, 64);
const nameOf = (database: 'passwd' | 'group', id: number): string =>
  execFileSync('getent', [database, String(id)], { encoding: 'utf8' }).split(':', 1)[0]!;

const uid = userInfo().uid;
const BOOT = 'boot-of-facts';
const PARENT = { pid: 4000, start_time: 70, exe: '/usr/bin/bash' };

/** A program that runs now, of a real user, with a real image. */
const now = (seq: number, more: Partial<ExecEvent> = {}): ExecEvent => {
  const time = new Date();
  return execEvent(seq, {
    time: time.toISOString(),
    timestamp: Math.floor(time.getTime() / 1000),
    pid: 5000 + seq,
    start_time: 100 + seq,
    uid,
    euid: uid,
    gid: 0,
    egid: 0,
    exe: '/usr/bin/env',
    parent: PARENT,
    ...more,
  });
};

const shell = (seq: number, command: string): ExecEvent =>
  now(seq, {
    pid: PARENT.pid,
    start_time: PARENT.start_time,
    exe: PARENT.exe,
    argv: command.split(' '),
    parent: { pid: 1 },
  });

const ALL = '[user, group, parent, ancestors, hashes, entity_id, container]';
const CONTAINER = 'c'.repeat(64);

const configOf = (helper: FakeHelper, work: Workplace, outputs: Record<string, string>, more = ''): string =>
  `source: { socket: ${helper.socketPath} }\n${more}outputs:\n${Object.entries(outputs)
    .map(([name, keys]) => `  - { name: ${name}, type: file, path: ${work.path(name)}${keys} }\n`)
    .join('')}`;

const events = (work: Workplace, name: string): Line[] =>
  linesOf(read(work.path(name))).map((line) => JSON.parse(line) as Line);

const written = (agent: AgentProcess, work: Workplace, name: string, count: number): Promise<void> =>
  agent.until(() => linesOf(read(work.path(name))).length >= count);

const newHelper = (): Promise<FakeHelper> => new FakeHelper({ hello: { boot_id: BOOT } }).listen();

test.serial(
  'an output has the facts that it asks for, and no other; one that asks for none has the bytes of the helper',
  async (t) => {
    using work = new Workplace();
    await using helper = await newHelper();
    const outputs = { none: '', some: ', enrich: [entity_id, user]', all: `, enrich: ${ALL}` };
    await using agent = await start(work, configOf(helper, work, outputs));
    const cgroup = `/system.slice/docker-${CONTAINER}.scope`;
    helper.send(shell(1, 'bash -c make'), now(2, { euid: 65_534, cgroup }));
    for (const name of Object.keys(outputs)) await written(agent, work, name, 2);
    // On a busy machine the first hashes can be late.
    const hash = sha256('/usr/bin/env');
    let seq = 3;
    await agent.until(() => {
      helper.send(now(seq++));
      return read(work.path('all')).includes(hash);
    });
    t.is(await agent.end(), 0);
    t.deepEqual(
      linesOf(read(work.path('none'))),
      helper.backlog.map((line) => line.trimEnd()),
    );
    const [, bare] = events(work, 'none');
    const id = `${BOOT}/5002/102`;
    const user = { name: nameOf('passwd', uid), effective: { name: nameOf('passwd', 65_534) } };
    t.deepEqual(events(work, 'some')[1], { ...bare, user, entity_id: id });
    const { hashes: _, ...second } = events(work, 'all')[1]!;
    t.deepEqual(second, {
      ...bare,
      user,
      group: { name: nameOf('group', 0) },
      parent: { ...PARENT, command_line: 'bash -c make' },
      ancestors: [
        { pid: 4000, entity_id: `${BOOT}/4000/70`, exe: '/usr/bin/bash', command_line: 'bash -c make' },
        (events(work, 'all')[1]!['ancestors'] as Line[])[1],
      ],
      entity_id: id,
      container: { id: CONTAINER, runtime: 'docker' },
    });
    const hashed = events(work, 'all').find((event) => JSON.stringify(event).includes(hash))!;
    t.deepEqual(hashed['hashes'], { sha256: hash });
  },
);

test.serial(
  'facts are those of the event’s own time: a parent that executes something else later in the same read has its command line of then',
  async (t) => {
    using work = new Workplace();
    await using helper = await newHelper();
    helper.send(shell(1, 'bash -c one'), now(2), shell(3, 'bash -c two'), now(4));
    await using agent = await start(work, configOf(helper, work, { all: `, enrich: [parent]` }));
    await written(agent, work, 'all', 4);
    t.is(await agent.end(), 0);
    const parents = events(work, 'all').map(({ parent }) => (parent as Line)['command_line']);
    t.deepEqual([parents[1], parents[3]], ['bash -c one', 'bash -c two']);
  },
);

test.serial('secrets are redacted in facts as in the event, and the event says so', async (t) => {
  using work = new Workplace();
  await using helper = await newHelper();
  const outputs = { parent: ', enrich: [parent]', ancestors: ', enrich: [ancestors]', user: ', enrich: [user]' };
  await using agent = await start(work, configOf(helper, work, outputs));
  helper.send(shell(1, 'mysql --password=hunter22 db'), now(2));
  for (const name of Object.keys(outputs)) await written(agent, work, name, 2);
  t.is(await agent.end(), 0);
  for (const name of Object.keys(outputs)) t.false(read(work.path(name)).includes('hunter22'), name);
  t.is(events(work, 'parent')[1]!['redacted'], true);
  t.is(events(work, 'ancestors')[1]!['redacted'], true);
  t.false('redacted' in events(work, 'user')[1]!);
});

test.serial('seals hold for lines with facts, in each format, and each format has its fields', async (t) => {
  using work = new Workplace();
  await using helper = await newHelper();
  const outputs = {
    native: ', identity: true, enrich: [user, parent, hashes]',
    ecs: ', format: ecs, enrich: [user, parent, hashes]',
    ocsf: ', format: ocsf, enrich: [user, parent, hashes]',
  };
  await using agent = await start(work, configOf(helper, work, outputs));
  helper.send(shell(1, 'bash -c make'), ...Array.from({ length: 20 }, (_, i) => now(i + 2)));
  for (const name of Object.keys(outputs)) await written(agent, work, name, 21);
  const hash = sha256('/usr/bin/env');
  let seq = 22;
  await agent.until(() => {
    helper.send(now(seq++));
    return Object.keys(outputs).every((name) => read(work.path(name)).includes(hash));
  });
  t.is(await agent.end(), 0);
  for (const name of Object.keys(outputs)) {
    await using verify = new AgentProcess(['verify', '--whole', work.path(name)]);
    t.is((await verify.exited).code, 0, `${name}: ${verify.stdout}${verify.stderr}`);
  }
  const user = nameOf('passwd', uid);
  const line = (name: string): Line => events(work, name).find((each) => JSON.stringify(each).includes(hash))!;
  t.like(line('native'), { user: { name: user }, parent: { command_line: 'bash -c make' }, hashes: { sha256: hash } });
  t.like(line('ecs'), {
    user: { name: user },
    process: { hash: { sha256: hash }, parent: { command_line: 'bash -c make' } },
  });
  t.like(line('ocsf'), {
    process: {
      user: { name: user },
      file: { hashes: [{ algorithm_id: 3, value: hash }] },
      parent_process: { cmd_line: 'bash -c make' },
    },
  });
});

test.serial('a reload changes what outputs get, and starts and ends the hashing process', async (t) => {
  using work = new Workplace();
  await using helper = await newHelper();
  await using agent = await start(work, configOf(helper, work, { e: '' }));
  const children = (): string => read(`/proc/${agent.child.pid}/task/${agent.child.pid}/children`).trim();
  const reload = async (keys: string, count: number): Promise<void> => {
    work.configure(configOf(helper, work, { e: keys }));
    agent.child.kill('SIGHUP');
    await agent.until(() => agent.countOf('ConfigReloaded') === count);
  };
  helper.send(now(1));
  await written(agent, work, 'e', 1);
  t.is(children(), '');
  await reload(', enrich: [hashes]', 1);
  await agent.until(() => children() !== '');
  let seq = 2;
  // The first can be late: the process has just begun.
  await agent.until(() => {
    helper.send(now(seq++));
    return events(work, 'e').some((event) => 'hashes' in event);
  });
  await reload('', 2);
  await agent.until(() => children() === '');
  const before = events(work, 'e').length;
  helper.send(now(seq));
  await agent.until(() => events(work, 'e').at(-1)!['seq'] === seq);
  t.true(before > 1);
  t.false('hashes' in events(work, 'e').at(-1)!);
  t.is(await agent.end(), 0);
});

for (const [list, problem] of [
  ['[user, hash]', /:3:\d+: outputs\[0\]\.enrich\[1\]: expected user, group, .* or container, got "hash"/],
  ['[user, group, user]', /:3:\d+: outputs\[0\]\.enrich\[2\]: user is there twice/],
] as const)
  test.serial(`enrich: ${list} is refused with its place`, async (t) => {
    using work = new Workplace();
    await using helper = await newHelper();
    work.configure(configOf(helper, work, { e: `, enrich: ${list}` }));
    await using agent = new AgentProcess(['check', '--config', work.configFile]);
    t.not((await agent.exited).code, 0);
    t.regex(agent.stderr, problem);
  });

test.serial(
  'facts survive a restart in the spool: an output that was away gets them from the life before',
  async (t) => {
    using work = new Workplace();
    await using helper = await newHelper();
    const port = await ownPort();
    const hash = sha256('/usr/bin/env');
    const config = (host: string): string =>
      `source: { socket: ${helper.socketPath} }\nspool: { folder: ${work.path('spool')} }\noutputs:\n  - { name: soc, type: http, url: "http://127.0.0.1:${port}/${host}", enrich: ${ALL}, batch: { max_age: 0ms } }\n`;
    {
      await using first = await start(work, config('x'));
      helper.send(shell(1, 'bash -c make'), now(2, { euid: 65_534 }));
      let seq = 3;
      await first.until(() => {
        helper.send(now(seq++));
        return spooled(work).includes(hash);
      });
      t.is(await first.end(), 0);
    }
    // From now on all comes from the spool alone.
    helper.backlog = [];
    const bodies: Line[] = [];
    const server = createServer((request, response) => {
      request.setEncoding('utf8');
      let text = '';
      request.on('data', (chunk: string) => (text += chunk));
      request.on('end', () => {
        for (const line of linesOf(text)) bodies.push(JSON.parse(line) as Line);
        response.end();
      });
    });
    await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve));
    await using second = await start(work, config('x'));
    await second.until(() => bodies.some((body) => JSON.stringify(body).includes(hash)));
    t.is(await second.end(), 0);
    server.close();
    const event = bodies.find(({ seq }) => seq === 2)!;
    t.like(event, {
      user: { name: nameOf('passwd', uid), effective: { name: nameOf('passwd', 65_534) } },
      parent: { command_line: 'bash -c make' },
      entity_id: `${BOOT}/5002/102`,
    });
    t.true(bodies.some(({ hashes }) => (hashes as Line | undefined)?.['sha256'] === hash));
  },
);

const spooled = (work: Workplace): Buffer => {
  const folder = work.path('spool');
  if (!existsSync(folder)) return Buffer.alloc(0);
  return Buffer.concat(
    readdirSync(folder)
      .filter((name) => name.endsWith('.segment'))
      .map((name) => readFileSync(`${folder}/${name}`)),
  );
};
