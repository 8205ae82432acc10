import { spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';

import { PROGRAMS as TARGET_PROGRAMS } from '../../installers/programs/programs.ts';
import { VERSION } from '../../shared/version.ts';
import { copyAgent } from '../support/agent-process.ts';
import { built } from '../support/build.ts';
import { execEvent, FakeHelper } from '../support/fake-helper.ts';
import { startHelper } from '../support/helper-process.ts';
import { kernelTest } from '../support/requirements.ts';

const PROGRAMS = ['probes-helper', 'probes-agent'] as const;

function scratch(t: { teardown: (run: () => void) => void }): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'platform-probes-executables-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A folder with a copy of the agent and a configuration for it, whose helper does not exist. */
function agentFolder(t: { teardown: (run: () => void) => void }): { folder: string; config: string } {
  const folder = scratch(t);
  const config = path.join(folder, 'agent.yaml');
  writeFileSync(config, `source: { socket: ${folder}/none.sock }\noutputs: [{ name: out, type: stdout }]\n`, {
    mode: 0o600,
  });
  copyAgent(folder);
  return { folder, config };
}

for (const program of PROGRAMS) {
  test(`${program} --version names its version`, (t) => {
    const run = spawnSync(built(program), ['--version'], { encoding: 'utf8' });
    t.is(run.status, 0);
    t.regex(run.stdout, new RegExp(`^(?:${program} )?${VERSION}\n$`, 'u'));
  });

  test(`${program} takes no options of Node.js from NODE_OPTIONS`, (t) => {
    const folder = scratch(t);
    const preload = path.join(folder, 'preload.cjs');
    const proof = path.join(folder, 'ran');
    writeFileSync(preload, `require('node:fs').writeFileSync(${JSON.stringify(proof)}, '')`);
    const env = { ...process.env, NODE_OPTIONS: `--require=${preload}` };

    t.is(spawnSync(process.execPath, ['--eval', ''], { env }).status, 0);
    t.true(existsSync(proof), 'Node.js itself runs the preload');
    rmSync(proof);
    t.is(spawnSync(built(program), ['--version'], { env }).status, 0);
    t.false(existsSync(proof));
  });

  test(`${program} takes no options of Node.js from its command line`, (t) => {
    const run = spawnSync(built(program), ['--eval', 'console.log("evaluated")'], { encoding: 'utf8' });
    t.not(run.status, 0);
    t.false(run.stdout.includes('evaluated'));
  });
}

for (const { name, nodeOptions } of TARGET_PROGRAMS) {
  test(`${name} has its options of Node.js built in`, (t) => {
    const bytes = readFileSync(built(name));
    // They stand behind the code, one after the other.
    const place = bytes.lastIndexOf(nodeOptions[0]!);
    const list = bytes.subarray(place, place + 1000).toString('latin1');
    t.deepEqual(
      nodeOptions.map((option) => list.indexOf(option)),
      nodeOptions.map((option) => list.indexOf(option)).toSorted((x, y) => x - y),
    );
    t.true(place >= 0 && nodeOptions.every((option) => list.includes(option)));
  });
}

const TRACE = ['-f', '-qq', '-e', 'trace=%file', '-e', 'signal=none'];
const canTrace = spawnSync('strace', [...TRACE, '-o', '/dev/null', 'true']).status === 0;

for (const program of PROGRAMS) {
  const title = `${program} writes no file to start: nothing is unpacked`;
  const traced = canTrace ? test : test.skip;
  traced(canTrace ? title : `${title} [skipped: needs strace, and the right to trace]`, (t) => {
    const folder = scratch(t);
    const home = mkdtempSync(path.join(folder, 'home-'));
    const log = path.join(folder, 'trace');
    const env = { PATH: process.env['PATH'], HOME: home, TMPDIR: home, XDG_CACHE_HOME: home };
    t.is(spawnSync('strace', [...TRACE, '-o', log, built(program), '--version'], { env }).status, 0);

    const calls = readFileSync(log, 'utf8').split('\n');
    t.true(calls.length > 10);
    const writes =
      /\b(?:creat|mkdir|mkdirat|mknod|mknodat|link|linkat|symlink|symlinkat|rename|renameat2?)\(|O_CREAT|O_WRONLY|O_RDWR|O_TMPFILE/u;
    t.deepEqual(
      calls.filter((call) => writes.test(call) && !call.includes('"/dev/')),
      [],
    );
    t.deepEqual(readdirSync(home), []);
  });
}

/** Inodes of a process's TCP sockets that listen. */
function listeningSockets(pid: number): string[] {
  const listening = ['tcp', 'tcp6'].flatMap((family) =>
    readFileSync(`/proc/${pid}/net/${family}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/u))
      .filter((columns) => columns[3] === '0A')
      .map((columns) => columns[9] ?? ''),
  );
  const own = spawnSync('ls', ['-l', `/proc/${pid}/fd`], { encoding: 'utf8' }).stdout;
  return listening.filter((inode) => own.includes(`socket:[${inode}]`));
}

/** Whether a process would act on SIGUSR1 with a handler of its own; Node.js has one that opens the inspector. */
function catchesSigusr1(pid: number): boolean {
  const mask = /^SigCgt:\s*(?<mask>[0-9a-f]+)$/mu.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.groups?.['mask'];
  // Bit 9, as SIGUSR1 is signal 10.
  return ((BigInt(`0x${mask ?? ''}`) >> 9n) & 1n) === 1n;
}

kernelTest(
  'SIGUSR1 opens no inspector in the helper, and its memory is never writable and executable',
  async (t: ExecutionContext) => {
    const helper = await startHelper();
    t.teardown(() => helper.stop());
    t.false(catchesSigusr1(helper.pid));
    const maps = readFileSync(`/proc/${helper.pid}/maps`, 'utf8').split('\n');
    t.true(maps.length > 10);
    t.deepEqual(
      maps.filter((line) => / rwx[ps] /u.test(line)),
      [],
    );
    helper.process.kill('SIGUSR1');
    await delay(500);
    t.false(helper.stderr().includes('Debugger'));
    if (helper.process.exitCode === null && helper.process.signalCode === null)
      t.deepEqual(listeningSockets(helper.pid), []);
  },
);

test('SIGUSR1 opens no inspector in the agent', async (t) => {
  const { folder, config } = agentFolder(t);
  const agent = spawn(path.join(folder, 'probes-agent'), ['run', '--config', config], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => agent.kill('SIGKILL'));
  let stderr = '';
  agent.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  for (let waited = 0; stderr === '' && waited < 10_000; waited += 20) await delay(20);
  t.not(stderr, '', 'it has started');
  t.false(catchesSigusr1(agent.pid ?? 0));
  agent.kill('SIGUSR1');
  await delay(500);
  t.false(stderr.includes('Debugger'));
  if (agent.exitCode === null && agent.signalCode === null) t.deepEqual(listeningSockets(agent.pid ?? 0), []);
});

/** KiB of a process's own program that are in its memory. */
function programInMemory(pid: number, program: string): number {
  return readFileSync(`/proc/${pid}/smaps`, 'latin1')
    .split(/^(?=[0-9a-f]+-[0-9a-f]+ )/mu)
    .filter((mapping) => mapping.slice(0, mapping.indexOf('\n')).endsWith(` ${program}`))
    .reduce((sum, mapping) => sum + Number(/^Rss:\s+(?<kb>\d+) kB$/mu.exec(mapping)?.groups?.['kb']), 0);
}

test('the agent gives back what only its start needed of its program, and again after a reload', async (t) => {
  const { folder, config } = agentFolder(t);
  const program = path.join(folder, 'probes-agent');
  const agent = spawn(program, ['run', '--config', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  t.teardown(() => agent.kill('SIGKILL'));
  let stderr = '';
  agent.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const until = async (what: string, holds: () => boolean): Promise<void> => {
    for (let waited = 0; !holds() && waited < 30_000; waited += 50) await delay(50);
    t.true(holds(), `${what}: ${stderr}`);
  };
  const pid = agent.pid ?? 0;
  let most = 0;
  const released = (): boolean => {
    const now = programInMemory(pid, program);
    most = Math.max(most, now);
    return most > 20_000 && now < most / 2;
  };
  await until('pages of the start are released', released);
  most = 0;
  agent.kill('SIGHUP');
  await until('the reload is done', () => stderr.includes('"ConfigReloaded"') && programInMemory(pid, program) > 0);
  most = programInMemory(pid, program);
  await until('pages of the reload are released', () => programInMemory(pid, program) < most);

  // Each thread of V8 has memory of its own; one beside the main thread is enough.
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/comm`, 'latin1').trim(),
  );
  t.is(threads.filter((name) => name === 'V8Worker').length, 1, threads.join());
});

for (const [what, spoil] of [
  ['others can write', (addon: string) => chmodSync(addon, 0o666)],
  ['is missing', (addon: string) => rmSync(addon)],
] as const) {
  test(`the agent does not start with an addon that ${what}, status 7; check warns`, (t) => {
    const folder = scratch(t);
    const config = path.join(folder, 'agent.yaml');
    writeFileSync(config, `source: { socket: ${folder}/none.sock }\noutputs: [{ name: out, type: stdout }]\n`);
    copyAgent(folder);
    spoil(path.join(folder, 'koffi.node'));
    const run = (command: string): SpawnSyncReturns<string> =>
      spawnSync(path.join(folder, 'probes-agent'), [command, '--config', config], { encoding: 'utf8' });
    const { status, stderr, stdout } = run('run');
    t.is(status, 7, stderr);
    t.regex(stderr, /^ADDON_UNSAFE: .*koffi\.node.* Install the agent again.*\n$/);
    t.is(stdout, '');
    const check = run('check');
    t.is(check.status, 0, check.stderr);
    t.regex(check.stderr, /^warning: source\.socket: .*ADDON_UNSAFE/);
  });
}

const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot(
  `the built agent writes its store in a thread, and asks it in a process of its own${process.getuid?.() === 0 ? '' : ' [skipped: needs root]'}`,
  async (t) => {
    const folder = scratch(t);
    await using helper = await new FakeHelper().listen();
    helper.send(execEvent(1), execEvent(2, { command: '/usr/bin/zebra' }));
    const config = path.join(folder, 'agent.yaml');
    const store = path.join(folder, 'store');
    writeFileSync(
      config,
      `source: { socket: ${helper.socketPath} }\nstore: { folder: ${store} }\noutputs: [{ name: out, type: stdout }]\n`,
      { mode: 0o600 },
    );
    copyAgent(folder);
    const program = path.join(folder, 'probes-agent');
    const agent = spawn(program, ['run', '--config', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    t.teardown(() => agent.kill('SIGKILL'));
    let stderr = '';
    agent.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const ask = (...args: string[]): SpawnSyncReturns<string> =>
      spawnSync(program, ['query', '--config', config, ...args], { encoding: 'utf8' });
    for (let waited = 0; ask('seq = 2').stdout === '' && waited < 20_000; waited += 200) await delay(200);
    const found = ask('--match', 'zebra');
    t.is((JSON.parse(found.stdout) as { seq: number }).seq, 2, stderr + found.stderr);
    const counted = ask('--sql', 'SELECT count(*) AS n FROM events');
    t.is(counted.stdout, '{"n":2}\n', counted.stderr);
    const endless = ask(
      '--timeout',
      '500ms',
      '--sql',
      'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n',
    );
    t.is(endless.status, 12, endless.stderr);
    t.true(endless.stderr.includes('the time is up'), endless.stderr);
  },
);
