import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';

import { Sensor, until } from './support/sensor.ts';

const sensor = await Sensor.start();
test.after.always(async () => sensor[Symbol.asyncDispose]());

const PIPE = String.raw`\\.\pipe\platform-probes-events`;
const causes = (gaps: readonly { cause: string; count: number }[]): [string, number][] =>
  gaps.map(({ cause, count }) => [cause, count]);

test.serial('a session that a crashed helper left over is taken over', async (t) => {
  const left = path.join(sensor.folder, 'session-platform-probes');
  writeFileSync(left, '');
  await sensor.startHelper();
  await sensor.startAgent();
  t.true(existsSync(left));
  await sensor.order('halves 1');
  t.is((await sensor.written(({ events }) => events.length >= 1)).events.length, 1);
});

test.serial(
  'a session that somebody stops is started again; a gap says how many processes began meanwhile',
  async (t) => {
    await sensor.order('stop');
    await until(
      'the session runs again',
      () => existsSync(path.join(sensor.folder, 'session-platform-probes')),
      20_000,
    );
    // The system has numbered 7 processes that no session told of.
    await sensor.order('skip 7', 'halves 1');
    const { events, gaps } = await sensor.written((written) => written.events.length >= 2 && written.gaps.length >= 2);
    t.is(events.length, 2);
    t.deepEqual(causes(gaps), [
      ['session_stopped', 1],
      ['session_stopped', 6],
    ]);
  },
);

test.serial('a session that somebody replaces by his own of that name is taken back', async (t) => {
  await sensor.order('steal');
  await sensor.written(({ gaps }) => gaps.length >= 3);
  await sensor.order('halves 1');
  const { events, gaps } = await sensor.written((written) => written.events.length >= 3);
  t.is(events.length, 3);
  t.deepEqual(causes(gaps.slice(2)), [['session_stopped', 1]]);
});

test.serial(
  'the pipe is for SYSTEM, administrators and the given group alone; the audit reads that back',
  async (t) => {
    const { code, output } = await sensor.machine.run(sensor.program('probes-helper.exe'), [
      'audit',
      '--json',
      '--manifest',
      sensor.program('manifest.json'),
    ]);
    const report = JSON.parse(output) as {
      ok: boolean;
      findings: unknown[];
      pipe: { sddl: string };
      process: { token_privileges: string[] };
      session: { name: string };
    };
    t.deepEqual(report.findings, []);
    t.is(code, 0);
    t.regex(report.pipe.sddl, /D:P?\(A;;FA;;;SY\)\(A;;FA;;;BA\)\(A;;0x120189;;;S-1-5-80-\d+-\d+-\d+-\d+-\d+\)$/);
    t.deepEqual(report.process.token_privileges, ['SeChangeNotifyPrivilege', 'SeSystemProfilePrivilege']);
    t.is(report.session.name, 'platform-probes');
  },
);

test.serial('the audit names a file that was changed', async (t) => {
  const manifest = path.join(sensor.folder, 'manifest.json');
  const changed = path.join(sensor.folder, 'other.json');
  writeFileSync(changed, readFileSync(manifest, 'utf8').replace(/("koffi\.node": \{\s*"sha256": ")[0-9a-f]/, '$1x'));
  const { code, output } = await sensor.machine.run(sensor.program('probes-helper.exe'), [
    'audit',
    '--manifest',
    sensor.program('other.json'),
  ]);
  t.is(code, 1);
  t.regex(output, /FINDING FILE_CHANGED: .*koffi\.node/);
});

test.serial('a client that tries to write disturbs nobody', async (t) => {
  // Windows refuses to open an outbound pipe for writing; Wine does not.
  const script = path.join(sensor.machine.share, 'writer.cjs');
  writeFileSync(
    script,
    `const fs = require('node:fs'); fs.writeSync(fs.openSync(${JSON.stringify(PIPE)}, 'r+'), 'x'.repeat(100000));`,
  );
  await sensor.machine.run(sensor.node, [sensor.machine.windowsPath('writer.cjs')], 5);
  await sensor.order('halves 1');
  t.is((await sensor.written(({ events }) => events.length >= 4)).events.length, 4);
});

test.serial('clients that come and leave, and one that never reads, cost nothing but their place', async (t) => {
  const script = path.join(sensor.machine.share, 'clients.cjs');
  writeFileSync(
    script,
    `const net = require('node:net');
let opened = 0;
const next = () => { if (opened++ >= 200) return; const c = net.connect(${JSON.stringify(PIPE)}); c.on('data', () => c.destroy()); c.on('error', () => setTimeout(next, 20)); c.on('close', next); };
const idle = net.connect(${JSON.stringify(PIPE)}); idle.pause(); idle.on('error', () => {}); idle.on('close', () => {});
next(); setTimeout(() => process.exit(0), 15000);`,
  );
  const clients = sensor.machine.spawn(sensor.node, [sensor.machine.windowsPath('clients.cjs')], 60);
  await sensor.order('events 20000');
  await clients.ended;
  const { events, gaps } = await sensor.written((written) => written.events.length >= 20_004, 120_000);
  t.is(events.length, 20_004);
  t.is(gaps.length, 3);
});

test.serial(
  'where Windows has no room for another system logger, the helper goes without command lines and says so',
  async (t) => {
    t.timeout(120_000);
    writeFileSync(path.join(sensor.folder, 'no-system-logger'), '');
    await sensor.order('stop');
    await until(
      'the session runs again',
      () => existsSync(path.join(sensor.folder, 'session-platform-probes')),
      20_000,
    );
    await sensor.order('events 3');
    const { events } = await sensor.written((written) => written.events.length >= 20_007);
    t.deepEqual(
      events.slice(-3).map((event) => event.command_line),
      [undefined, undefined, undefined],
    );
  },
);
