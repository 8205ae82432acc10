import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, unlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { fixture } from '../support/fixtures.ts';
import { CLIENT_GID, CLIENT_UID } from '../support/helper-process.ts';
import { PipeClient, requireDense } from '../support/pipe-client.ts';
import { kernelTest } from '../support/requirements.ts';
import { run, Session, type Run } from '../support/session.ts';

const MIB = 1024 * 1024;
/** Ring and backlog of a helper with default sizes, and what the program itself may have. */
const MEMORY_BOUND = (8 + 16 + 60) * MIB;

const noOp = fixture('no-op');
const hostile = fixture('hostile-client');
const asClient = { uid: CLIENT_UID, gid: CLIENT_GID };
const children: ChildProcess[] = [];
let session: Session | undefined;
let descriptorsAtStart = 0;

const start = async (): Promise<Session> => {
  if (session === undefined) {
    session = await Session.open();
    descriptorsAtStart = descriptorsOf(session);
  }
  return session;
};

test.afterEach.always(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
test.after.always(() => session?.close());

const descriptorsOf = ({ helper }: Session): number => readdirSync(`/proc/${helper.pid}/fd`).length;

/** Bytes of memory, what is shared counted by its share. */
function memoryOf({ helper }: Session): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${helper.pid}/smaps_rollup`, 'latin1'))?.[1]) * 1024;
}

/** Runs programs for as long as the attack goes on, and fails unless the good client gets each of them, in order. */
async function during<T>(mark: string, attack: (sensor: Session) => Promise<T>): Promise<T> {
  const sensor = await start();
  let attacking = true;
  const attacked = attack(sensor).finally(() => (attacking = false));
  let count = 0;
  do {
    const storm = await run(fixture('exec-storm'), [noOp, '500', '1', mark]);
    if (storm.code !== 0) throw new Error('the storm failed');
    count += 500;
  } while (attacking);
  const result = await attacked;
  const marked = (): number =>
    sensor.client.execs.filter(({ filename, argv }) => filename === noOp && argv?.[3] === mark).length;
  await sensor.client.until(() => marked() >= count);
  if (marked() !== count) throw new Error(`${marked()} of ${count}`);
  requireDense(sensor.client.events);
  if (sensor.client.events.some(({ type }) => type === 'gap')) throw new Error('the good client lost something');
  return result;
}

/** The helper's descriptors, once those of clients that are gone are closed. */
async function settledDescriptors(sensor: Session): Promise<number> {
  for (let i = 0; i < 100 && descriptorsOf(sensor) > descriptorsAtStart; i++) await delay(20);
  return descriptorsOf(sensor);
}

const attackBy =
  (how: string, ...more: string[]) =>
  (sensor: Session): Promise<Run> =>
    run(hostile, [sensor.helper.socket, how, ...more], asClient);

for (const [what, how, ...more] of [
  ['that writes one byte', 'byte'],
  ['that sends descriptors', 'descriptors'],
  ['that ends its own direction', 'half-closed'],
  ["that ends the helper's direction", 'deaf'],
  ['that leaves in the middle of a line', 'leave-mid-line'],
] as [string, ...string[]][]) {
  kernelTest(`a client ${what} is let go, and nobody else notices`, async (t) => {
    const { code, signal } = await during(how ?? '', attackBy(how ?? '', ...more));
    t.is(signal, null);
    t.is(code, 0);
    t.is(await settledDescriptors(await start()), descriptorsAtStart);
  });
}

kernelTest('a client that would write 64 MiB is thrown out long before', async (t) => {
  const { code, stdout } = await during('flood', attackBy('flood', '64'));
  t.is(code, 0);
  t.true(Number(stdout) < MIB, `${stdout} bytes were taken by the socket`);
});

kernelTest('clients that come and leave 10,000 times leave nothing behind', async (t) => {
  const sensor = await start();
  const before = memoryOf(sensor);
  const { code, stdout } = await during('visits', attackBy('visit', '10000'));
  t.is(code, 0);
  t.is(Number(stdout), 10_000);
  t.is(await settledDescriptors(sensor), descriptorsAtStart);
  t.true(memoryOf(sensor) < before + 30 * MIB, `${before} before, ${memoryOf(sensor)} after`);
});

kernelTest("clients of a user outside the group are refused 500 times with the socket's mode wide open", async (t) => {
  const sensor = await start();
  const folder = path.dirname(sensor.helper.socket);
  chmodSync(folder, 0o755);
  chmodSync(sensor.helper.socket, 0o666);
  try {
    const stranger = await during('strangers', () =>
      run(hostile, [sensor.helper.socket, 'visit', '500'], { uid: 4242, gid: 4242 }),
    );
    t.is(Number(stranger.stdout), 500);
    const listener = new PipeClient(sensor.helper.socket, { uid: 4242, gid: 4242 });
    await listener.ended();
    t.deepEqual(listener.lines, []);
  } finally {
    chmodSync(sensor.helper.socket, 0o660);
    chmodSync(folder, 0o750);
  }
  t.is(await settledDescriptors(sensor), descriptorsAtStart);
});

kernelTest('clients that do not read, stopped ones among them, cost the helper nothing but their places', async (t) => {
  const sensor = await start();
  const before = memoryOf(sensor);
  const stopped = new PipeClient(sensor.helper.socket);
  await stopped.until(({ events }) => events.length > 0);
  stopped.process.kill('SIGSTOP');
  for (let i = 0; i < 10; i++)
    children.push(
      spawn(hostile, [sensor.helper.socket, 'silent'], { ...asClient, stdio: ['pipe', 'ignore', 'ignore'] }),
    );
  try {
    // More than the backlog holds: all of them are overtaken.
    await during('unread', () => run(fixture('exec-storm'), [noOp, '14000', '1', 'unread-load', 'x'.repeat(700)]));
    t.true(memoryOf(sensor) < before + 30 * MIB, `${before} before, ${memoryOf(sensor)} after`);
    // Awake again, it gets what was in its socket, whole lines in order, then the end of the connection.
    stopped.process.kill('SIGCONT');
    await stopped.ended();
    requireDense(stopped.events);
    for (const child of children.splice(0)) child.kill('SIGKILL');
    t.is(await settledDescriptors(sensor), descriptorsAtStart);
  } finally {
    stopped.close();
  }
});

kernelTest('after all of this the helper is the same process, within its memory, and nothing was lost', async (t) => {
  const sensor = await start();
  await sensor.settle();
  t.is(sensor.helper.process.exitCode, null);
  t.is(descriptorsOf(sensor), descriptorsAtStart);
  t.true(memoryOf(sensor) < MEMORY_BOUND, `${memoryOf(sensor)} bytes`);
});

kernelTest('a socket file that is removed or replaced ends nothing, and new clients meet what is there', async (t) => {
  const own = await Session.open();
  const { socket } = own.helper;
  const meet = (): PipeClient => new PipeClient(socket);
  try {
    unlinkSync(socket);
    t.is(await meet().ended(), 'ENOENT');
    const impostor = createServer((connection) => connection.end('{"type":"impostor"}\n')).listen(socket);
    await once(impostor, 'listening');
    chmodSync(socket, 0o666);
    const fooled = meet();
    await fooled.ended();
    t.deepEqual(fooled.lines, ['{"type":"impostor"}']);
    t.throws(() => fooled.hello);
    impostor.close();
    await once(impostor, 'close');
    t.is((await run(fixture('exec-storm'), [noOp, '200', '1', 'unlinked'])).code, 0);
    await own.client.until(() => own.client.execs.filter(({ argv }) => argv?.[3] === 'unlinked').length >= 200);
    await own.settle();
    t.false(existsSync(socket));
    t.is(await own.helper.stop(), 0);
  } finally {
    await own.close();
    rmSync(path.dirname(socket), { recursive: true, force: true });
  }
});
