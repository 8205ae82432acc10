import test, { type ExecutionContext } from 'ava';
import * as fc from 'fast-check';
import { ExecShape } from '../../../agent/source/exec-shape.ts';
import { processLine } from '../../../helper/macos/child/process-line.ts';
import { Clock } from '../../../helper/stream/clock.ts';
import { KIND } from '../../../helper/linux/source/record.ts';
import { EsloggerDecoder } from '../../../helper/macos/eslogger/eslogger-decoder.ts';
import { ProcessLines } from '../../../helper/windows/etw/process-line.ts';
import { linuxClocks } from '../../../helper/linux/forward/clocks.ts';
import { DevicePaths } from '../../../helper/windows/device-paths.ts';
import { EXEC_EXAMPLE, EXEC_FIELDS, type ExecEvent } from '../../../shared/events/exec.ts';
import { parseEvent } from '../../support/events.ts';
import { decode, Found, printed } from '../../dtrace/support.ts';
import { EPOCH, lineOf } from '../../support/exec-lines.ts';
import { argsOf } from '../../support/exec-record.ts';
import { FakeKernel } from '../../support/fake-kernel.ts';
import { JSON_PIECES } from '../support/json-pieces.ts';

const shape = new ExecShape();
const latin1 = (text: string): string => Buffer.from(text).toString('latin1');

/** The number of a line that fits from beginning to end, else undefined. */
function seqOf(line: string): number | undefined {
  const text = latin1(line);
  return shape.fits(`before\n${text}`, 7) && shape.end === text.length + 7 ? shape.seq : undefined;
}

function fits(t: ExecutionContext, line: string): void {
  t.is(seqOf(line), (JSON.parse(line) as ExecEvent).seq, line);
}

test('lines of the Linux helper have the shape', (t) => {
  for (const line of [
    lineOf({}, { seq: 123_456_789_012_345 }),
    lineOf({ kind: KIND.snapshot }),
    lineOf({ args: argsOf('sh', '-c', 'echo "a\\b"\n\t\x01', '', 'Übung 日本 \u{1f600}') }),
    lineOf({ exe: undefined, parentExe: undefined, ppid: 0, flags: 0xffff }),
    lineOf({ ns: [1, 2, 3, 4, 5, 6, 7], cgroup: `docker-${'0123456789abcdef'.repeat(4)}.scope` }),
    lineOf({}, { cut: true }),
    `${JSON.stringify(EXEC_EXAMPLE)}\n`,
  ])
    fits(t, line);
});

test('lines of the macOS helper have the shape, with dtrace', (t) => {
  const { found } = decode(
    'b 0 0 1024\n',
    printed(1),
    printed(2, { args: ['node', '/usr/bin/npm', 'install', ''].map((arg) => Buffer.from(arg)), argc: 9 }),
    printed(3, { path: undefined, ids: '70 1 -2 -2' }),
  );
  t.is(found.processes.length, 3);
  for (const [i, seen] of found.processes.entries())
    fits(
      t,
      processLine(seen)(i + 1, () => 1 << 20),
    );
});

test('lines of the macOS helper have the shape, with eslogger', (t) => {
  const found = new Found();
  const token = { pid: 4711, euid: 501, ruid: 501, egid: 20, rgid: 20, auid: 501 };
  const message = (target: object, exec: object): string =>
    `${JSON.stringify({
      event_type: 9,
      time: '2024-11-02T10:11:12.987654321Z',
      seq_num: found.all.length,
      event: {
        exec: {
          target: { audit_token: token, executable: { path: '/bin/ls', stat: { st_mode: 0o100_755 } }, ...target },
          args: ['ls', '-l', ''],
          ...exec,
        },
      },
    })}\n`;
  const decoder = new EsloggerDecoder(found);
  decoder.push(Buffer.from(message({}, {})));
  const tty = { stat: { st_rdev: 268_435_457 } };
  const parent = { ppid: 812, parent_audit_token: { pid: 812 }, start_time: '2024-11-02T10:11:12.123456Z' };
  decoder.push(
    Buffer.from(
      message(
        { ...parent, session_id: 812, tty, executable: { path: '/usr/bin/env', stat: { st_mode: 0o104_755 } } },
        { cwd: { path: '/Users/ada' }, script: { path: '/usr/local/bin/npm' }, dyld_exec_path: '/usr/bin/env' },
      ),
    ),
  );
  t.is(found.processes.length, 2);
  for (const [i, seen] of found.processes.entries())
    fits(
      t,
      processLine(seen)(i + 1, () => 1 << 20),
    );
});

test('lines of the Windows helper have the shape', (t) => {
  const lines = new ProcessLines(
    new Clock(linuxClocks(new FakeKernel().libc), EPOCH),
    new DevicePaths(() => [['C:', String.raw`\Device\HarddiskVolume3`]], String.raw`C:\Windows`),
    () => ({ userSid: 'S-1-5-18', logonId: '0x3e7' }),
  );
  const time = 133_750_000_000_000_000n;
  const start = {
    pid: 4,
    created: time,
    ppid: 2,
    session: 1,
    image: String.raw`\Device\HarddiskVolume3\Windows\System32\cmd.exe`,
    elevated: true,
    label: 'S-1-16-8192',
  };
  const classic = { pid: 4, ppid: 2, session: 1, leaf: 'cmd.exe', commandLine: 'cmd.exe /c "echo é"' };
  for (const joined of [
    { time, start: { ...start, sequence: 1n }, classic },
    { time, start: { ...start, sequence: 2n, parentSequence: 1n }, classic },
    { time, start, classic: undefined },
    { time, start: undefined, classic },
    { time, start, classic: { ...classic, commandLine: `cmd.exe ${'x'.repeat(200_000)}` } },
  ])
    fits(
      t,
      lines.build(joined)(7, () => 100_000),
    );
});

test('every field that an exec event can have fits, except the rare ones', (t) => {
  const values: Record<string, unknown> = {
    ...EXEC_EXAMPLE,
    user_sid: 'S-1-5-18',
    logon_id: '0x3e7',
    integrity_level: 'system',
    elevated: true,
    argv_truncated: true,
    env: { A: '"', B: '' },
    command_line: 'a b',
    command_source: 'etw',
    container_id: 'c',
    ns: { mnt: 1 },
  };
  const names = Object.keys(EXEC_FIELDS).filter((name) => !['raw', 'env_repeated', 'env_truncated'].includes(name));
  t.deepEqual(
    names.filter((name) => values[name] === undefined),
    [],
    'fields without a value in this test',
  );
  const line = JSON.stringify(Object.fromEntries(names.map((name) => [name, values[name]])));
  fits(t, `${line}\n`);
  t.is(seqOf(`${line.replace(',"cwd":', ',"raw":{"cwd":"/w=="},"cwd":')}\n`), undefined);
});

for (const source of ['ebpf', 'etw', 'dtrace', 'eslogger', 'snapshot'])
  test(`an event of the source ${source} fits`, (t) => {
    fits(t, `${JSON.stringify({ ...EXEC_EXAMPLE, source })}\n`);
  });

const LINE = lineOf({ args: argsOf('a', '"quoted"', 'é'), ns: [1, 2, 3, 4, 5, 6, 7] }, { seq: 77 });

test('what has the shape is an event with that number, whatever was done to the line', (t) => {
  const edit = fc.record({
    at: fc.nat(LINE.length - 2),
    remove: fc.nat(6),
    insert: fc.oneof(fc.constantFrom(...JSON_PIECES, '-', '.', 'e', '"pid":1,'), fc.string({ maxLength: 4 })),
  });
  let fitted = 0;
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
      let line = LINE.slice(0, -1);
      for (const { at, remove, insert } of edits) line = line.slice(0, at) + insert + line.slice(at + remove);
      const seq = seqOf(`${line}\n`);
      if (seq === undefined) return;
      fitted++;
      const event = parseEvent(Buffer.from(line).toString()) as ExecEvent;
      t.is(event.type, 'exec');
      t.is(event.seq, seq);
    }),
    { numRuns: 20_000 },
  );
  t.true(fitted > 100, `${fitted} of the changed lines have the shape`);
});

for (const [what, line] of Object.entries({
  'a control character in a string': LINE.replace('"a"', '"\x01"'),
  'an unknown escape': LINE.replace('"a"', '"\\x"'),
  'a number with a leading zero': LINE.replace('"seq":77', '"seq":077'),
  'a negative number': LINE.replace('"seq":77', '"seq":-7'),
  'a number too large to be exact': LINE.replace('"seq":77', '"seq":9007199254740993'),
  'an impossible time': LINE.replace('T', ' '),
  'another type': LINE.replace('"exec"', '"gap"'),
  'a space': LINE.replace('":', '": '),
  'no newline': LINE.slice(0, -1),
  'more behind it': LINE.replace('}\n', '} \n'),
  'two objects in a line': LINE.replace('\n', LINE),
})) {
  test(`${what} does not have the shape`, (t) => {
    t.is(seqOf(line), undefined);
  });
}

test('text that almost fits and is long is refused in time', (t) => {
  const started = performance.now();
  for (const filler of ['x', '\\\\', '","', '\\u0041']) {
    t.is(seqOf(LINE.replace('"a"', `"${filler.repeat(40_000)}"`).replace('"source"', '"sauce"')), undefined);
  }
  t.true(performance.now() - started < 5000);
});
