import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import type { ExecEvent } from '../../shared/events/exec.ts';
import type { HeartbeatEvent } from '../../shared/events/heartbeat.ts';
import { fixture } from '../support/fixtures.ts';
import { stormOf } from '../support/pace.ts';
import { requireDense } from '../support/pipe-client.ts';
import { kernelTest } from '../support/requirements.ts';
import { Session } from '../support/session.ts';

const NAMES = ['LD_PRELOAD', 'LD_LIBRARY_PATH', 'SSH_CONNECTION', 'SUDO_USER', 'P17'];
const environ = fixture('environ');
const execEnv = fixture('exec-env');
let session: Session | undefined;

const start = async (): Promise<Session> => (session ??= await Session.open(['--env', NAMES.join(',')]));

test.after.always(() => session?.close());

type Text = string | Buffer;

const blockOf = (variables: readonly Text[]): Buffer =>
  Buffer.concat(variables.flatMap((each) => [Buffer.from(each), Buffer.alloc(1)]));

/** Executes `program` with exactly this environment. Gives its event, and what it printed. */
async function withEnvironment(
  sensor: Session,
  variables: readonly Text[],
  program = environ,
  args: readonly string[] = [],
): Promise<{ event: ExecEvent; stdout: Buffer }> {
  const child = spawn(execEnv, [program, ...args], { stdio: ['pipe', 'pipe', 'inherit'], env: {} });
  const parts: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => parts.push(part));
  child.stdin.end(blockOf(variables));
  await once(child, 'close');
  const { pid } = child;
  const event = await sensor.exec(pid as number, ({ filename }) => filename === program);
  return { event, stdout: Buffer.concat(parts) };
}

kernelTest('exactly the listed variables are told, in their order, as the program sees them', async (t) => {
  const sensor = await start();
  const { event, stdout } = await withEnvironment(sensor, [
    'HOME=/root',
    'SSH_CONNECTION=192.0.2.7 50022 192.0.2.9 22',
    'XLD_PRELOAD=no',
    'LD_PRELOADX=no',
    'LD_PRELOAD',
    'NEWLINE=\nLD_PRELOAD=/no',
    'OTHER=LD_PRELOAD=/no',
    'ld_preload=no',
    '=LD_PRELOAD=no',
    'LD_PRELOAD=/tmp/a=b.so',
    'P17=',
  ]);
  t.true(stdout.toString().includes('LD_PRELOAD=/tmp/a=b.so\0'));
  t.deepEqual(Object.entries(event.env ?? {}), [
    ['SSH_CONNECTION', '192.0.2.7 50022 192.0.2.9 22'],
    ['LD_PRELOAD', '/tmp/a=b.so'],
    ['P17', ''],
  ]);
  t.is(event.env_repeated, undefined);
  t.is(event.env_truncated, undefined);
  t.deepEqual(sensor.client.hello.env, NAMES);
});

kernelTest('an environment that is empty, or has none of them, gives no field', async (t) => {
  const sensor = await start();
  for (const variables of [[], ['HOME=/root'], ['', '=', 'X'], ['LD_PRELOAD']]) {
    const { event } = await withEnvironment(sensor, variables);
    t.deepEqual(
      Object.keys(event).filter((field) => field.startsWith('env')),
      [],
      JSON.stringify(variables),
    );
  }
});

kernelTest('a variable that stands several times has all its values', async (t) => {
  const sensor = await start();
  const variables = ['LD_PRELOAD=', 'P17=a', 'LD_PRELOAD=/tmp/x.so', 'P17=b', 'LD_PRELOAD=/tmp/y.so'];
  const { event, stdout } = await withEnvironment(sensor, variables);
  t.true(stdout.equals(blockOf(variables)), 'the program has them all');
  t.deepEqual(event.env, { LD_PRELOAD: '', P17: 'a' });
  t.deepEqual(event.env_repeated, { LD_PRELOAD: ['/tmp/x.so', '/tmp/y.so'], P17: ['b'] });
});

kernelTest('bytes that are no text are in raw', async (t) => {
  const sensor = await start();
  const bytes = Buffer.from([0x2f, 0xff, 0xfe, 0x62]);
  const { event } = await withEnvironment(sensor, [
    Buffer.concat([Buffer.from('LD_PRELOAD='), bytes]),
    'LD_PRELOAD=ä\ufffd',
    Buffer.concat([Buffer.from('LD_PRELOAD='), bytes]),
  ]);
  t.deepEqual(event.env, { LD_PRELOAD: '/\ufffd\ufffdb' });
  t.deepEqual(event.env_repeated, { LD_PRELOAD: ['ä\ufffd', '/\ufffd\ufffdb'] });
  t.deepEqual(event.raw, {
    'env.LD_PRELOAD': bytes.toString('base64'),
    'env_repeated.LD_PRELOAD[1]': bytes.toString('base64'),
  });
});

/** Variables that nobody asked for, `bytes` in all with their NULs. */
function filler(bytes: number): string[] {
  const list: string[] = [];
  for (let left = bytes, i = 0; left > 0; i++) {
    const size = Math.min(left, 100_000);
    list.push(`F${i}=`.padEnd(size - 1, 'f'));
    left -= size;
  }
  return list;
}

// In the event's own record, in further ones, on the edges between them, and at the end of what is looked at.
for (const bytes of [0, 8192 - 20, 8192 - 9, 8192, 8193, 20_000, 8192 + 24_576 - 5, 200_000, 262_144 - 11]) {
  kernelTest(`a variable behind ${bytes} bytes of others is found`, async (t) => {
    const { event } = await withEnvironment(await start(), [...filler(bytes), 'P17=found']);
    t.deepEqual(event.env, { P17: 'found' });
    t.is(event.env_truncated, undefined);
    t.deepEqual(event.argv, [environ]);
  });
}

kernelTest('behind more than 256 KiB it is not, and the event says so', async (t) => {
  const sensor = await start();
  for (const bytes of [262_144, 1 << 20]) {
    const { event, stdout } = await withEnvironment(sensor, ['P17=seen', ...filler(bytes), 'LD_PRELOAD=hidden']);
    t.true(stdout.length > bytes);
    t.deepEqual(event.env, { P17: 'seen' });
    t.true(event.env_truncated);
    t.is(event.argv_truncated, undefined);
  }
});

kernelTest('long arguments and a long environment are whole together', async (t) => {
  const args = ['x'.repeat(100_000), 'y'.repeat(100_000)];
  const { event } = await withEnvironment(await start(), [...filler(100_000), 'P17=found'], environ, args);
  t.deepEqual(event.argv, [environ, ...args]);
  t.deepEqual(event.env, { P17: 'found' });
  t.is(event.argv_truncated, undefined);
  t.is(event.env_truncated, undefined);
});

kernelTest('a value of 4,096 bytes is whole, a longer one is cut between characters', async (t) => {
  const sensor = await start();
  const whole = 'v'.repeat(4096);
  t.like((await withEnvironment(sensor, [`P17=${whole}`])).event, { env: { P17: whole }, env_truncated: undefined });
  const cut = await withEnvironment(sensor, [`P17=${'v'.repeat(4094)}日本`, 'SUDO_USER=ada']);
  t.like(cut.event, { env: { P17: 'v'.repeat(4094), SUDO_USER: 'ada' }, env_truncated: true, raw: undefined });
});

kernelTest('a set-user-id program has its environment told too', async (t) => {
  const folder = mkdtempSync('/var/lib/probes-setuid-');
  t.teardown(() => rmSync(folder, { recursive: true }));
  const program = path.join(folder, 'environ');
  copyFileSync(environ, program);
  chmodSync(folder, 0o755);
  chmodSync(program, 0o4755);
  const caller = fixture('exec-env');
  const sensor = await start();
  const child = spawn(caller, [program], { stdio: ['pipe', 'ignore', 'inherit'], env: {}, uid: 12_345, gid: 12_345 });
  child.stdin.end(blockOf(['LD_PRELOAD=/tmp/evil.so']));
  await once(child, 'close');
  const event = await sensor.exec(child.pid as number, ({ filename }) => filename === program);
  t.true(event.flags?.includes('setuid'));
  t.deepEqual(event.env, { LD_PRELOAD: '/tmp/evil.so' });
});

kernelTest('a script and a 32-bit program have theirs told', async (t) => {
  const sensor = await start();
  const { event } = await withEnvironment(sensor, ['P17=32'], fixture('image-32', '-m32', '-nostdlib'));
  t.true(event.flags?.includes('compat32'));
  t.deepEqual(event.env, { P17: '32' });
  const folder = mkdtempSync('/var/lib/probes-script-');
  t.teardown(() => rmSync(folder, { recursive: true }));
  const script = path.join(folder, 'script');
  writeFileSync(script, `#!${environ}\n`, { mode: 0o755 });
  const ran = await withEnvironment(sensor, ['P17=script'], script);
  t.true(ran.event.flags?.includes('script'));
  t.deepEqual(ran.event.env, { P17: 'script' });
  t.is(ran.stdout.toString(), 'P17=script\0');
});

kernelTest('nothing of what is not listed is in any line, nor in what the helper prints', async (t) => {
  const sensor = await start();
  const secret = 'hunter2-0d1e5a7c';
  await withEnvironment(sensor, [
    `AWS_SECRET=${secret}`,
    `XP17=${secret}`,
    `P17X=${secret}`,
    'P17=told',
    `P1=${secret}`,
  ]);
  await withEnvironment(sensor, [`A=${secret}`, ...filler(300_000), `B=${secret}`]);
  await sensor.settle();
  const all = JSON.stringify(sensor.client.events);
  t.true(all.includes('"P17":"told"'));
  t.false(all.includes(secret));
  t.false(all.includes('AWS_SECRET'));
  t.false(sensor.helper.stderr().includes(secret));
});

const STORM = stormOf(20_000, 2000);
kernelTest(`in a storm of ${STORM.toLocaleString('en')} execs each has its own variable`, async (t) => {
  const sensor = await Session.open(['--env', 'P17', '--backlog', '64MiB', '--ring', '64MiB']);
  try {
    const noOp = fixture('no-op');
    const storm = spawn(fixture('exec-storm'), [noOp, String(STORM), '2', 'env'], {
      stdio: 'ignore',
      env: { ...Object.fromEntries(filler(4000).map((text) => text.split('='))), P17: 'storm' },
    });
    t.deepEqual(await once(storm, 'exit'), [0, null]);
    await sensor.settle();
    const execs = sensor.client.execs.filter(({ filename }) => filename === noOp);
    t.is(execs.length, STORM);
    t.is(execs.filter(({ env }) => env?.['P17'] === 'storm').length, STORM);
    t.deepEqual(
      execs.filter(({ env_truncated: cut }) => cut),
      [],
    );
    requireDense(sensor.client.events);
  } finally {
    await sensor.close();
  }
});

kernelTest('a ring that fills up loses environments before it loses events, and the numbers add up', async (t) => {
  const sensor = await Session.open(['--env', 'P17', '--ring', '64KiB']);
  try {
    const noOp = fixture('no-op');
    await sensor.settle();
    sensor.helper.process.kill('SIGSTOP');
    const storm = spawn(fixture('exec-storm'), [noOp, '100', '1', 'full'], {
      stdio: 'ignore',
      env: { FILLER: 'f'.repeat(5000), P17: 'told' },
    });
    await once(storm, 'exit');
    sensor.helper.process.kill('SIGCONT');
    const beat = await sensor.client.until(() =>
      sensor.client.events.findLast(
        (event): event is HeartbeatEvent =>
          event.type === 'heartbeat' &&
          event.kernel_lost > 0 &&
          event.last_seq - sensor.client.hello.first_seq + 1 === event.kernel_count,
      ),
    );
    const events = sensor.client.events.slice(0, sensor.client.events.indexOf(beat));
    requireDense(events);
    const execs = sensor.client.execs.filter(({ filename }) => filename === noOp);
    const states = execs.map(({ env, env_truncated: cut }) =>
      env?.['P17'] === 'told' ? 'told' : cut ? 'cut' : 'none',
    );
    t.false(states.includes('none'), 'either is there, or its absence is said');
    t.is(states[0], 'told');
    t.true(states.filter((state) => state === 'cut').length >= 3, states.join());
    const lost = events.reduce((sum, event) => sum + (event.type === 'gap' ? event.count : 0), 0);
    t.is(lost, beat.kernel_lost);
    t.true(execs.length < 100 && execs.length + lost >= 100);
  } finally {
    await sensor.close();
  }
});

kernelTest('without --env there is none, and hello has no list', async (t) => {
  const plain = await Session.open();
  try {
    const { event } = await withEnvironment(plain, ['LD_PRELOAD=/x']);
    t.is(event.env, undefined);
    t.is(plain.client.hello.env, undefined);
    t.is(plain.client.hello.forks, undefined);
    t.is(plain.client.hello.exits, undefined);
  } finally {
    await plain.close();
  }
});
