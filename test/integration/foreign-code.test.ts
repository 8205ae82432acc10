// Nobody but root, by root's own files, decides what the helper loads: real programs, real libraries that
// leave a mark where they run.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  cpSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { CLIENT_GID, HELPER_UID, helperFolder, startHelper } from '../support/helper-process.ts';
import { PATIENCE } from '../support/pace.ts';
import { kernelTest } from '../support/requirements.ts';

const FOREIGN = 4242;
const SOURCE = path.resolve(import.meta.dirname, '../fixtures/marked-library.c');
const FILES = ['probes-helper', 'koffi.node', 'exec.bpf.o'];

let root = '';
const mark = (): string => path.join(root, 'mark');
const trusted = (): string => path.join(root, 'trusted');
const foreign = (): string => path.join(root, 'foreign');

test.beforeEach(() => {
  if (process.getuid?.() !== 0) return;
  root = mkdtempSync('/var/lib/platform-probes/foreign-code-');
  spawnSync('chmod', ['755', root]);
  mkdirSync(trusted(), { mode: 0o755 });
  mkdirSync(foreign(), { mode: 0o755 });
  for (const file of FILES) cpSync(path.join(helperFolder(), file), path.join(trusted(), file));
  chownSync(foreign(), FOREIGN, FOREIGN);
});

test.afterEach.always(() => {
  if (root !== '') rmSync(root, { recursive: true, force: true });
});

/** A library of another user that leaves the mark. It links to `real`, whose functions it then has, too. */
function library(name: string): string {
  const file = path.join(foreign(), name);
  const made = spawnSync('gcc', ['-shared', '-fPIC', `-DMARK="${mark()}"`, '-o', file, SOURCE], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(made.stderr);
  chownSync(file, FOREIGN, FOREIGN);
  return file;
}

/** Runs a helper until it forwards or ends, and ends it; with `audit`, looks at the one that serves that socket. */
async function run(
  program: string,
  { env = {}, audit = '', cwd = '/' }: { env?: NodeJS.ProcessEnv; audit?: string; cwd?: string } = {},
): Promise<{ code: number | null; forwarded: boolean; stderr: string }> {
  const socket = `/run/${path.basename(root)}/events.sock`;
  const accounts = ['--user', String(HELPER_UID), '--group', String(CLIENT_GID)];
  const args = audit !== '' ? ['audit', '--socket', audit] : ['run', '--socket', socket, ...accounts];
  const child = spawn(program, args, { env, cwd, stdio: ['ignore', 'ignore', 'pipe'], timeout: 20_000 * PATIENCE });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    if (stderr.includes('forwarding')) child.kill('SIGTERM');
  });
  await once(child, 'close');
  rmSync(path.dirname(socket), { recursive: true, force: true });
  return { code: child.exitCode, forwarded: stderr.includes('forwarding'), stderr };
}

/** Names of libraries that the helper loads after its start, those that they need, and those that Node.js has at its start. */
const LIBRARIES = ['libbpf.so.1', 'libelf.so.1', 'libz.so.1'];

for (const command of ['run', 'audit']) {
  kernelTest(`LD_LIBRARY_PATH does not decide what ${command} loads`, async (t) => {
    for (const name of LIBRARIES) library(name);
    const looked = command === 'audit' ? await startHelper() : undefined;
    // Scripts that join paths with "/" as prefix spell the second.
    for (const program of [path.join(trusted(), 'probes-helper'), `/${path.join(trusted(), 'probes-helper')}`]) {
      const { code, forwarded, stderr } = await run(program, {
        env: { LD_LIBRARY_PATH: foreign(), PATH: '/usr/bin:/bin' },
        cwd: foreign(),
        audit: looked?.socket ?? '',
      });
      t.false(existsSync(mark()), `${program}: foreign code ran`);
      if (looked === undefined) t.true(forwarded, stderr);
      else t.deepEqual([code, stderr], [1, ''], 'what runs is another copy: that is found, so it has looked');
    }
    await looked?.stop();
  });
}

kernelTest('no variable of the caller reaches the privileged stage', async (t) => {
  const trace = path.join(root, 'trace');
  const helper = path.join(trusted(), 'probes-helper');
  const socket = `/run/${path.basename(root)}/events.sock`;
  spawnSync('strace', ['-o', trace, '-e', 'trace=execve,seccomp', helper, 'run', '--socket', socket, '--user', '0'], {
    env: { PATH: process.env['PATH'], LD_BIND_NOW: '1', NODE_PENDING_DEPRECATION: '1' },
  });
  rmSync(path.dirname(socket), { recursive: true, force: true });
  const started = readFileSync(trace, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('execve('));
  // Refused, as its user is root; by then it has begun again.
  t.deepEqual(
    started.map((line) => /\/\* (\d+) vars? \*\//.exec(line)?.[1]),
    ['3', '0'],
  );
});

kernelTest('LD_PRELOAD has run before anything can be checked, but nothing is given to it to keep', async (t) => {
  const { forwarded, stderr } = await run(path.join(trusted(), 'probes-helper'), {
    env: { LD_PRELOAD: library('preloaded.so') },
  });
  // The program that was preloaded into has begun again without it.
  t.true(forwarded, stderr);
  t.true(existsSync(mark()), 'the limit that docs/limitations.md states');
});

const SWITCHED: readonly string[] = ['koffi.node', 'exec.bpf.o'];
for (const name of SWITCHED) {
  kernelTest(`${name} through a link in another user's folder is refused, and nothing of it is loaded`, async (t) => {
    renameSync(path.join(trusted(), name), path.join(trusted(), `real-${name}`));
    symlinkSync(path.join(foreign(), 'link'), path.join(trusted(), name));
    symlinkSync(path.join(trusted(), `real-${name}`), path.join(foreign(), 'link'));
    const { code, stderr } = await run(path.join(trusted(), 'probes-helper'));
    t.is(code, 4, stderr);
    t.regex(stderr, /HELPER_UNSAFE_FILE: \S+foreign belongs to uid 4242/);
  });
}

kernelTest("a link that another user switches during the start never has root load that user's addon", async (t) => {
  const addon = library('koffi.node');
  renameSync(path.join(trusted(), 'koffi.node'), path.join(trusted(), 'real.node'));
  symlinkSync(path.join(foreign(), 'link'), path.join(trusted(), 'koffi.node'));
  const link = path.join(foreign(), 'link');
  symlinkSync(path.join(trusted(), 'real.node'), link);
  // As the other user: now the one, now the other, as fast as it goes.
  const script = `cd '${foreign()}'; while :; do ln -sfn '${addon}' n1; mv -T n1 link; ln -sfn '${trusted()}/real.node' n2; mv -T n2 link; done`;
  const switcher = spawn('/bin/sh', ['-c', script], { uid: FOREIGN, gid: FOREIGN, stdio: 'ignore' });
  try {
    for (let i = 0; i < 8; i++) t.is((await run(path.join(trusted(), 'probes-helper'))).code, 4);
  } finally {
    switcher.kill('SIGKILL');
    await once(switcher, 'exit');
  }
  t.false(existsSync(mark()), 'foreign code ran as root');
});

kernelTest('a helper that root has linked from elsewhere works, the addon too', async (t) => {
  const elsewhere = path.join(root, 'elsewhere');
  mkdirSync(elsewhere, { mode: 0o755 });
  renameSync(path.join(trusted(), 'koffi.node'), path.join(elsewhere, 'addon'));
  symlinkSync('../elsewhere/addon', path.join(trusted(), 'koffi.node'));
  symlinkSync(path.join(trusted(), 'probes-helper'), path.join(elsewhere, 'helper'));
  const { forwarded, stderr } = await run(path.join(elsewhere, 'helper'));
  t.true(forwarded, stderr);
});

kernelTest("the same program under a name in another user's folder is refused", async (t) => {
  linkSync(path.join(trusted(), 'probes-helper'), path.join(foreign(), 'probes-helper'));
  const { code, stderr } = await run(path.join(foreign(), 'probes-helper'));
  t.is(code, 4, stderr);
});

kernelTest('the audit tells of an addon that others can change, and does not load it', async (t) => {
  const addon = library('koffi.node');
  renameSync(addon, path.join(trusted(), 'koffi.node'));
  t.is(lstatSync(path.join(trusted(), 'koffi.node')).uid, FOREIGN);
  const looked = await startHelper();
  t.is((await run(path.join(trusted(), 'probes-helper'), { audit: looked.socket })).code, 1);
  await looked.stop();
  t.false(existsSync(mark()), 'foreign code ran as root');
});

kernelTest('a socket folder in a folder that others can write is refused before it is made', async (t) => {
  for (const above of [foreign(), '/tmp']) {
    const folder = path.join(above, `probes-${path.basename(root)}`);
    const socket = path.join(folder, 'events.sock');
    const args = ['run', '--socket', socket, '--user', String(HELPER_UID), '--group', String(CLIENT_GID)];
    const child = spawnSync(path.join(trusted(), 'probes-helper'), args);
    t.is(child.status, 4, child.stderr.toString());
    t.false(existsSync(folder), 'made, and given to a group, where a link could have lain');
  }
});
