import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';

import { wholeLines } from '../support/lines.ts';
import { ask } from '../support/metrics.ts';
import { ROOT } from '../support/repository.ts';
import { kernelTest } from '../support/requirements.ts';
import { Terminal } from '../support/terminal.ts';

interface Start {
  readonly child: ChildProcess;
  readonly folder: string;
  readonly socketFolder: string;
  /** The events that the agent writes. */
  readonly agentFolder: string;
  stdout(): string;
  stderr(): string;
}

/** Runs `npm start` and waits until it shows events. */
async function start(t: ExecutionContext, ...helperArguments: string[]): Promise<Start> {
  const child = spawn(process.execPath, [path.join(ROOT, 'scripts/start.ts'), ...helperArguments], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGTERM'));
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  for (let waited = 0; !stderr.includes('Ctrl-C'); waited += 20) {
    if (child.exitCode !== null || waited > 60_000) throw new Error(`npm start shows no events: ${stderr}`);
    await delay(20);
  }
  // As docs/development.md says.
  const folder = `/var/lib/platform-probes/checkout-${child.pid}`;
  const socketFolder = `/run/platform-probes-checkout-${child.pid}`;
  const agentFolder = path.dirname(/(\/\S*)\/events\.jsonl$/mu.exec(stderr)?.[0] ?? '/missing/file');
  return { child, folder, socketFolder, agentFolder, stdout: () => stdout, stderr: () => stderr };
}

/** Ids of processes whose executable is a file of a folder: the named one, or any. */
function processesFrom(folder: string, program = ''): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/exe`).startsWith(path.join(folder, '/', program));
      } catch {
        return false;
      }
    });
}

function assertNothingLeft(t: ExecutionContext, { folder, socketFolder, agentFolder }: Start): void {
  t.deepEqual(processesFrom(folder), []);
  t.false(existsSync(folder));
  t.false(existsSync(socketFolder));
  t.false(existsSync(agentFolder));
}

/** Waits until something is so. */
async function until(isSo: () => boolean, what: string): Promise<void> {
  for (let waited = 0; !isSo(); waited += 20) {
    if (waited > 20_000) throw new Error(`waited in vain for ${what}`);
    await delay(20);
  }
}

/** The one process of a start that runs a program; it may have to start yet. */
async function processOf({ folder }: Start, program: string): Promise<number> {
  for (let waited = 0; waited < 10_000; waited += 20) {
    const [pid] = processesFrom(folder, program);
    if (pid !== undefined) return pid;
    await delay(20);
  }
  throw new Error(`${program} does not run`);
}

kernelTest(
  'npm start shows the exec of a program; Ctrl-C ends helper and agent and leaves nothing behind',
  async (t: ExecutionContext) => {
    const running = await start(t);
    const marker = `seen-by-${process.pid}`;
    const told = (): string | undefined => wholeLines(running.stdout()).find((line) => line.includes(marker));
    for (let waited = 0; told() === undefined && waited < 20_000; waited += 100) {
      spawnSync('/bin/true', [marker]);
      await delay(100);
    }
    t.is((JSON.parse(told() ?? '{}') as { command?: string }).command, `/bin/true ${marker}`);

    for (const program of ['probes-helper', 'probes-agent']) {
      const status = readFileSync(`/proc/${await processOf(running, program)}/status`, 'utf8');
      t.notRegex(status, /^Uid:.*\b0\b/mu, `${program} is not root`);
      t.regex(status, /^CapEff:\s*0+$/mu, `${program} has no capability`);
    }

    running.child.kill('SIGINT');
    await once(running.child, 'close');
    t.is(running.child.exitCode, 0);
    assertNothingLeft(t, running);
  },
);

for (const program of ['probes-helper', 'probes-agent']) {
  kernelTest(`when ${program} dies, npm start ends the other one, says so and fails`, async (t: ExecutionContext) => {
    const running = await start(t);
    process.kill(await processOf(running, program), 'SIGKILL');
    await once(running.child, 'close');
    t.is(running.child.exitCode, 1);
    t.regex(running.stderr(), new RegExp(`the ${program.slice('probes-'.length)} ended by itself`, 'u'));
    assertNothingLeft(t, running);
  });
}

kernelTest(
  'when both die, npm start names the helper, whose end can take the agent with it',
  async (t: ExecutionContext) => {
    const running = await start(t);
    process.kill(await processOf(running, 'probes-agent'), 'SIGKILL');
    await delay(50);
    process.kill(await processOf(running, 'probes-helper'), 'SIGKILL');
    await once(running.child, 'close');
    t.is(running.child.exitCode, 1);
    t.regex(running.stderr(), /the helper ended by itself/u);
    assertNothingLeft(t, running);
  },
);

interface Alert {
  readonly command: string;
  readonly rules?: readonly { readonly title: string }[];
}

kernelTest(
  'what npm start says to try is true: each command, and the file that it names',
  async (t: ExecutionContext) => {
    const running = await start(t);
    const all = running.stderr().split('\n');
    const said = all
      .slice(all.findIndex((line) => line.includes('Live events')))
      .filter((line) => line.startsWith('› '));
    t.true(said.length <= 9, said.join('\n'));
    const commands = said.flatMap((line) => /^› {3}(\S.*?) {3}/u.exec(line)?.[1] ?? []);
    const alerting = commands.filter((command) => command.includes('| sh'));
    t.true(alerting.length > 0, said.join('\n'));
    const alerts = (): Alert[] =>
      wholeLines(running.stdout())
        .map((line) => JSON.parse(line) as Alert)
        .filter(({ rules }) => rules !== undefined);
    for (const command of alerting) {
      const before = alerts().length;
      // As a prompt runs it: no command line holds the whole of it.
      for (let tries = 0; alerts().length === before && tries < 20; tries++) {
        t.is(spawnSync('sh', { input: command }).status, 0);
        await delay(250);
      }
      t.true(alerts().length > before, `${command}: ${running.stderr()}`);
    }
    const preloaded = (): Alert | undefined =>
      alerts().find(({ rules }) => rules!.some(({ title }) => title === 'Library Preloaded From Outside Of Packages'));
    for (let tries = 0; preloaded() === undefined && tries < 20; tries++) {
      spawnSync('/bin/true', { env: { LD_PRELOAD: '/tmp/no-such-library.so' } });
      await delay(250);
    }
    t.is(preloaded()?.command, '/bin/true', 'the variables that starter rules read are told');
    const [first] = alerts();
    t.truthy(first?.rules?.[0]?.title);
    const file = path.join(running.agentFolder, 'events.jsonl');
    await until(
      () => wholeLines(readFileSync(file, 'utf8')).some((line) => line.includes('"rules":')),
      'an alert in the file',
    );
    t.is(statSync(file).mode & 0o777, 0o600);
    t.is(statSync(running.agentFolder).mode & 0o777, 0o700);
    t.false(running.stdout().includes('"source":"snapshot"'), 'programs that already ran are left out');
    t.true(running.stderr().includes('npm start -- --dashboard'), 'how to get the page');
    t.false(
      commands.some((command) => command.includes(' dashboard ')),
      'there is none yet',
    );
    const status = commands.find((command) => command.includes(' status '))!;
    t.is(spawnSync('sh', ['-c', status]).status, 0, status);

    running.child.kill('SIGINT');
    await once(running.child, 'close');
    assertNothingLeft(t, running);
  },
);

kernelTest(
  '--dashboard: the page of the agent; its address goes to whoever may see it, and to a terminal',
  async (t) => {
    const running = await start(t, '--dashboard', '--exits');
    const command = /^› {3}(\S+ dashboard --socket \S+) {3}/mu.exec(running.stderr())![1]!;
    const address = (): string => spawnSync('sh', ['-c', command], { encoding: 'utf8' }).stdout;
    await until(() => address() !== '', 'the address of the page');
    const url = new URL(address());
    t.is(url.hostname, '127.0.0.1');
    t.is((await ask(url.host, '/')).status, 401);
    const { status, headers } = await ask(url.host, url.pathname + url.search);
    t.is(status, 303);
    const [cookie = ''] = String(headers['set-cookie']).split(';');
    t.regex(
      (await ask(url.host, String(headers['location']), 'GET', { cookie })).body,
      /<title>Platform Probes<\/title>/u,
    );
    t.false((running.stderr() + running.stdout()).includes('token='), 'not to a file that others may read');
    t.is(spawnSync('sh', ['-c', command], { uid: 64_913, gid: 64_913 }).status, 11, 'not to a stranger');
    t.false(existsSync(path.join(running.agentFolder, 'page.html')), 'root opens no browser');
    // The helper got the other flag.
    await until(() => running.stdout().includes('"type":"exit"'), 'an exit');
    running.child.kill('SIGINT');
    await once(running.child, 'close');
    assertNothingLeft(t, running);
    await t.throwsAsync(ask(url.host, '/'), { code: 'ECONNREFUSED' });

    await using terminal = new Terminal([process.execPath, path.join(ROOT, 'scripts/start.ts'), '--dashboard'], {
      columns: 200,
    });
    await terminal.until(
      () => /Open in a browser: http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}\s/u.test(terminal.text),
      60,
    );
    terminal.type('\x03');
    t.is(await terminal.status, 0);
  },
);

kernelTest('what a start that was killed outright left is removed by the next', async (t: ExecutionContext) => {
  const killed = await start(t);
  await processOf(killed, 'probes-agent');
  killed.child.kill('SIGKILL');
  await once(killed.child, 'close');
  await until(() => processesFrom(killed.folder).length === 0, 'the end of helper and agent');
  t.true(existsSync(killed.agentFolder));
  const next = await start(t);
  assertNothingLeft(t, killed);
  next.child.kill('SIGINT');
  await once(next.child, 'close');
  assertNothingLeft(t, next);
});
