import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import test from 'ava';
import type { SpoolReport } from '../../../agent/delivery/spool/inspect.ts';
import { begin, events, TemporaryFolder, until } from '../delivery/spool/support.ts';
import { Workplace } from '../support/agent-process.ts';
import { agent } from '../support/run.ts';

/** A configuration whose spool is in a folder. */
function configured(folder: string): Workplace {
  const work = new Workplace();
  work.configure(`spool: { folder: ${folder} }\noutputs: [{ name: a, type: stdout }]\n`);
  return work;
}

/** A spool of two segments; the output "lake" has half of it. */
async function fill(folder: TemporaryFolder) {
  const life = await begin(folder.spool, { segmentBytes: 3000 });
  const lake = await life.output('lake');
  life.log.append(events(1, 20, { bytes: 100 }), 20);
  await until(() => lake.gate.taken.length === 20);
  await life.spool.tick();
  lake.gate.hold();
  life.log.append(events(21, 20, { bytes: 100 }), 40);
  await life.spool.tick();
  return life;
}

test('spool shows segments, numbers and where each output is, also while an agent uses it', async (t) => {
  using folder = new TemporaryFolder();
  using work = configured(folder.spool);
  const life = await fill(folder);
  const { code, stdout, stderr } = await agent('spool', '--json', '--config', work.configFile);
  t.is(stderr, '');
  t.is(code, 0);
  const report = JSON.parse(stdout) as SpoolReport;
  t.like(report, { folder: folder.spool, version: 1, in_use: true, newest: { boot_id: 'boot', number: 40 } });
  t.like(report.outputs[0], { name: 'lake', delivered: { number: 20 }, lag_records: 20, lag_bytes: 2000 });
  await life.stop();
  const text = await agent('spool', '--config', work.configFile);
  t.is(text.code, 0);
  t.regex(text.stdout, /: not in use, \d segments, \d+ bytes\nNumbers: \d+ of boot boot to 40 of boot boot\n/);
  t.regex(text.stdout, /Output lake: delivered up to 20 of boot boot, 20 records \(2000 bytes\) behind\n$/);
});

test('spool verify finds a byte that is wrong, says where, and changes nothing', async (t) => {
  using folder = new TemporaryFolder();
  using work = configured(folder.spool);
  await (await fill(folder)).stop();
  t.is((await agent('spool', 'verify', '--config', work.configFile)).code, 0);
  const path = folder.segments[0]!;
  const bytes = readFileSync(path);
  bytes[bytes.length - 400]! ^= 1;
  writeFileSync(path, bytes);
  const { code, stdout } = await agent('spool', 'verify', '--config', work.configFile);
  t.is(code, 8);
  t.regex(stdout, /damaged: \d+ bytes from byte \d+ on: the checksum of a frame does not fit/);
  t.deepEqual(readFileSync(path), bytes);
});

test('spool says what is missing', async (t) => {
  using folder = new TemporaryFolder();
  using work = configured(folder.spool);
  const none = await agent('spool', '--config', work.configFile);
  t.deepEqual([none.code, none.stderr], [8, `spool ${folder.spool}: there is no such folder\n`]);
  work.configure('outputs: [{ name: a, type: stdout }]\n');
  const unset = await agent('spool', '--config', work.configFile);
  t.deepEqual([unset.code, unset.stderr], [3, `${work.configFile}: it has no "spool"\n`]);
});

test('check opens the spool, changes nothing, and warns when no output uses it', async (t) => {
  using folder = new TemporaryFolder();
  using work = configured(folder.spool);
  const unused = await agent('check', '--config', work.configFile);
  t.is(unused.code, 0);
  t.regex(unused.stderr, /^warning: no output uses the spool/);
  await (await fill(folder)).stop();
  writeFileSync(`${folder.spool}/lake.cursor`, 'x');
  const doubtful = await agent('check', '--config', work.configFile);
  t.is(doubtful.code, 0);
  t.regex(doubtful.stderr, /lake\.cursor: it is damaged/);
  using other = new TemporaryFolder();
  mkdirSync(other.spool, { mode: 0o755 });
  work.configure(`spool: { folder: ${other.spool} }\noutputs: [{ name: a, type: stdout }]\n`);
  const refused = await agent('check', '--config', work.configFile);
  t.is(refused.code, 3);
  t.regex(refused.stderr, /:1:\d+: spool\.folder: .*others can reach it \(mode 755\); chmod 700 it/);
});

for (const [key, value, message] of [
  ['folder', 'spool', 'expected an absolute path'],
  ['max_bytes', '1MiB', 'expected 64MiB to 16TiB'],
  ['when_full', 'drop', 'drop_oldest'],
  ['sync', '5', 'expected "batch", or a duration from 100ms to 1m, such as 1s'],
  ['sync', '2h', 'expected "batch", or a duration from 100ms to 1m, such as 1s'],
  ['reserve', '5', 'expected a size with its unit'],
  ['max_byte', '1GiB', 'max_bytes'],
] as const) {
  test(`spool: { ${key}: ${value} } is refused`, async (t) => {
    using work = new Workplace();
    const folder = key === 'folder' ? '' : 'folder: /var/lib/x, ';
    work.configure(`spool: { ${folder}${key}: ${value} }\noutputs: [{ name: a, type: stdout }]\n`);
    const { code, stderr } = await agent('check', '--config', work.configFile);
    t.is(code, 3);
    t.true(stderr.includes(message), stderr);
  });
}
