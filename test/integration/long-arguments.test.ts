import test from 'ava';
import { MAX_LINE_BYTES } from '../../shared/protocol/limits.ts';
import { fixture } from '../support/fixtures.ts';
import { kernelTest } from '../support/requirements.ts';
import { argumentsIn, run, Session } from '../support/session.ts';

const noOp = fixture('no-op');
const cmdline = fixture('cmdline');
let session: Session | undefined;

const start = async (): Promise<Session> => (session ??= await Session.open());

test.after.always(() => session?.close());

kernelTest('without arguments the program gets an empty one, and the event too', async (t) => {
  const { event, stdout } = await (await start()).becomes(fixture('exec-no-args'), [cmdline]);
  t.deepEqual(event.argv, argumentsIn(stdout));
  t.deepEqual(event.argv, [''], 'kernels from 5.18 on put it there');
  t.is(event.command, cmdline);
});

kernelTest('empty arguments at the end are kept', async (t) => {
  const sensor = await start();
  const { pid, stdout } = await run(cmdline, ['', 'middle', '', '']);
  const event = await sensor.exec(pid);
  t.deepEqual(event.argv, [cmdline, '', 'middle', '', '']);
  t.deepEqual(event.argv, argumentsIn(stdout));
  t.is(event.command, `${cmdline}  middle  `);
});

kernelTest('100,000 arguments are whole', async (t) => {
  const { event, stdout } = await (await start()).becomes(fixture('exec-many-args'), [cmdline, '100000', '5', '0']);
  t.is(event.argv?.length, 100_001);
  t.true(Buffer.from(`${event.argv?.join('\0')}\0`).equals(stdout));
  t.is(event.argv_bytes, stdout.length);
  t.is(event.argv_truncated, undefined);
});

kernelTest('the longest single argument that the kernel allows is whole', async (t) => {
  const { event, stdout } = await (
    await start()
  ).becomes(fixture('exec-many-args'), [cmdline, '1', String(128 * 1024 - 1), '0']);
  t.is(event.argv?.[1]?.length, 131_071);
  t.true(Buffer.from(`${event.argv?.join('\0')}\0`).equals(stdout));
  t.is(event.argv_truncated, undefined);
});

for (const [what, count] of [
  ['2 MiB', 17],
  ["the kernel's limit of 6 MiB", 47],
] as const) {
  kernelTest(`arguments of ${what} are whole, byte for byte`, async (t) => {
    const { event, stdout } = await (
      await start()
    ).becomes(fixture('exec-many-args'), [cmdline, String(count), String(128 * 1024 - 1), '0']);
    t.true(stdout.length > count * 131_000);
    t.is(event.argv_bytes, stdout.length);
    t.is(event.argv_truncated, undefined);
    t.true(Buffer.from(`${event.argv?.join('\0')}\0`).equals(stdout));
  });
}

kernelTest('arguments that grow in JSON are cut, marked and never lost', async (t) => {
  // Escaped as \u0001 each, twice: 72 MiB of JSON.
  const { event, stdout } = await (
    await start()
  ).becomes(fixture('exec-many-args'), [cmdline, '47', String(128 * 1024 - 1), '1']);
  t.is(event.argv_truncated, true);
  t.is(event.argv_bytes, stdout.length);
  t.true(
    Buffer.from(event.argv?.join('\0') ?? '').equals(
      stdout.subarray(0, Buffer.byteLength(event.argv?.join('\0') ?? '')),
    ),
    'what is there is the beginning',
  );
  t.true((event.argv?.join('').length ?? 0) > 500_000, 'no more is cut than has to be');
  const line = session?.client.lines.find(
    (text) => text.startsWith(`{"pid":${event.pid},`) && text.includes('"argv_truncated"'),
  );
  t.true(Buffer.byteLength(line ?? '') <= MAX_LINE_BYTES);
});

kernelTest('600,000 arguments that are not UTF-8 are kept, their bytes together', async (t) => {
  const { event, stdout } = await (await start()).becomes(fixture('exec-many-args'), [cmdline, '600000', '1', '255']);
  t.is(event.argv_bytes, stdout.length);
  t.is(event.argv_truncated, undefined);
  t.deepEqual(Object.keys(event.raw ?? {}), ['argv']);
  t.true(Buffer.from(event.raw?.['argv'] ?? '', 'base64').equals(stdout));
});

kernelTest('whoever executes command lines of 6 MiB in a loop takes no event from others', async (t) => {
  const sensor = await start();
  const gapsBefore = sensor.client.events.filter(({ type }) => type === 'gap').length;
  let attacking = true;
  let attacks = 0;
  const attack = async (): Promise<void> => {
    for (; attacking; attacks++) await run(fixture('exec-many-args'), [noOp, '47', String(128 * 1024 - 1), '97']);
  };
  const attackers = [attack(), attack()];
  const victims: number[] = [];
  for (let i = 0; i < 60; i++) victims.push((await run(noOp, [`victim ${i}`])).pid);
  attacking = false;
  await Promise.all(attackers);
  await sensor.settle();
  t.true(attacks > 10, `${attacks}`);
  t.deepEqual(
    victims.filter((pid) => sensor.execsOf(pid).length === 0),
    [],
  );
  t.is(sensor.client.events.filter(({ type }) => type === 'gap').length, gapsBefore);
});

kernelTest('after all of this every number is accounted for', async (t) => {
  const sensor = await start();
  await sensor.settle();
  // On a machine that is busy otherwise, 6 MiB of arguments may have left no room in the ring for others.
  t.true(sensor.client.events.every((event) => event.type !== 'gap' || event.cause === 'ring_full'));
});
