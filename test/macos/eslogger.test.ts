// Messages as eslogger(1) of several macOS versions prints them, made from the documented
// es_message_t, es_event_exec_t and es_process_t (EndpointSecurity/ESMessage.h); none was recorded.
import test from 'ava';
import fc from 'fast-check';
import type { ExecEvent } from '../../shared/events/exec.ts';
import { processLine } from '../../helper/macos/child/process-line.ts';
import { EsloggerDecoder } from '../../helper/macos/eslogger/eslogger-decoder.ts';
import { parseEvent } from '../support/events.ts';
import { Found, RESTART_MARK } from '../dtrace/support.ts';

type Json = Record<string, unknown>;

const stat = (mode: number): Json => ({
  st_dev: 16_777_231,
  st_ino: 1_152_921_500_312_560_000,
  st_mode: mode,
  st_nlink: 1,
  st_uid: 0,
  st_gid: 0,
  st_rdev: 268_435_457,
  st_size: 154_624,
  st_flags: 524_320,
  st_mtimespec: '2024-10-01T07:00:00.000000000Z',
});
const file = (path: string, mode = 0o100_755): Json => ({ path, path_truncated: false, stat: stat(mode) });
const token = (pid: number): Json => ({
  pid,
  pidversion: 2111,
  euid: 501,
  ruid: 501,
  egid: 20,
  rgid: 20,
  auid: 501,
  asid: 100_014,
});

const target = (): Json => ({
  audit_token: token(4711),
  ppid: 812,
  original_ppid: 812,
  group_id: 4711,
  session_id: 812,
  codesigning_flags: 570_522_385,
  is_platform_binary: true,
  is_es_client: false,
  cdhash: 'FE2D8E2C7F2F8A4D8E3F0B1A2C3D4E5F60718293',
  signing_id: 'com.apple.ls',
  team_id: null,
  executable: file('/bin/ls'),
  tty: file('/dev/ttys001', 0o20_620),
  start_time: '2024-11-02T10:11:12.123456Z',
  responsible_audit_token: token(700),
  parent_audit_token: token(812),
});

/** macOS 13.0: version 6 of the message, without the path before links were followed. */
const macos13 = (): Json => ({
  schema_version: 1,
  version: 6,
  event_type: 9,
  action_type: 1,
  action: { result: { result_type: 0, result: { auth: 0 } } },
  mach_time: 812_345_678_901,
  time: '2024-11-02T10:11:12.987654321Z',
  seq_num: 0,
  global_seq_num: 0,
  thread: { thread_id: 88_123 },
  process: { ...target(), executable: file('/bin/zsh'), signing_id: 'com.apple.zsh' },
  event: {
    exec: {
      target: target(),
      args: ['ls', '-l', ''],
      env: ['PATH=/usr/bin:/bin', 'SECRET=1'],
      fds: [{ fd: 0, fdtype: 1 }],
      script: null,
      cwd: file('/Users/ada', 0o40_755),
      last_fd: 2,
    },
  },
});

/** 13.3 and later. */
const macos14 = (): Json => {
  const message = macos13();
  Object.assign((message['event'] as { exec: Json }).exec, {
    dyld_exec_path: '/bin/ls',
    image_cputype: 16_777_228,
    image_cpusubtype: -2_147_483_646,
  });
  return { ...message, version: 7 };
};

/** 15 and later, and what may come: fields that nobody knows, at every level. */
const macos26 = (): Json => {
  const message = macos14();
  const { exec } = message['event'] as { exec: Json };
  Object.assign(exec['target'] as Json, { cs_validation_category: 1, novel: { deep: [1, null] } });
  return { ...message, version: 10, novel: 'field', event: { exec: { ...exec, novel: true } } };
};

function decode(...lines: (Json | string)[]): { found: Found; decoder: EsloggerDecoder } {
  return decodeWith([], ...lines);
}

/** @param variables the names of `--env` */
function decodeWith(
  variables: readonly string[],
  ...lines: (Json | string)[]
): { found: Found; decoder: EsloggerDecoder } {
  const found = new Found();
  const decoder = new EsloggerDecoder(found, variables);
  for (const line of lines) decoder.push(Buffer.from(typeof line === 'string' ? line : `${JSON.stringify(line)}\n`));
  return { found, decoder };
}

/** The message with its exec, its target or itself changed. */
function changed(changes: { message?: Json; exec?: Json; target?: Json }): Json {
  const message = macos14();
  const { exec } = message['event'] as { exec: Json };
  return {
    ...message,
    ...changes.message,
    event: { exec: { ...exec, target: { ...(exec['target'] as Json), ...changes.target }, ...changes.exec } },
  };
}

const EXPECTED = {
  pid: 4711,
  command: '/bin/ls -l ',
  timestamp: 1_730_542_272,
  type: 'exec',
  seq: 1,
  time: '2024-11-02T10:11:12.987654321Z',
  filename: '/bin/ls',
  argv: ['ls', '-l', ''],
  ppid: 812,
  uid: 501,
  gid: 20,
  euid: 501,
  egid: 20,
  loginuid: 501,
  session_id: 812,
  tty: 268_435_457,
  exe: '/bin/ls',
  cwd: '/Users/ada',
  start_time: 1_730_542_272_123_456,
  parent: { pid: 812 },
  source: 'eslogger',
};

for (const [version, message] of Object.entries({
  'macOS 13.0': macos13(),
  'macOS 14': macos14(),
  'a later macOS': macos26(),
})) {
  test(`${version}: a message becomes an event; the environment is left out`, (t) => {
    const { found, decoder } = decode(message);
    const [seen] = found.processes;
    if (seen === undefined) return t.fail();
    const line = processLine(seen)(1, () => 1 << 20);
    t.deepEqual(JSON.parse(line), EXPECTED);
    t.false(line.includes('SECRET'));
    t.deepEqual([decoder.counted, decoder.missed, decoder.unreadable, decoder.limit], [1, 0, 0, undefined]);
  });
}

test('a script: what was asked for is the script, and the arguments are those of its caller', (t) => {
  const { found } = decode(
    changed({
      exec: {
        script: file('/usr/local/bin/npm'),
        dyld_exec_path: '/usr/bin/env',
        args: ['env', 'node', './npm', 'install'],
      },
      target: { executable: file('/usr/bin/env') },
    }),
  );
  const [seen] = found.processes;
  if (seen === undefined) return t.fail();
  t.like(JSON.parse(processLine(seen)(1, () => 1 << 20)), {
    command: '/usr/local/bin/npm install',
    filename: '/usr/local/bin/npm',
    exe: '/usr/bin/env',
    flags: ['script'],
  });
});

test('a file with the setuid bit, and paths that were cut, are flagged', (t) => {
  const { found } = decode(
    changed({
      target: { executable: { ...file('/usr/bin/sudo', 0o104_511), path_truncated: true } },
      exec: { cwd: { path: `/${'d'.repeat(2000)}`, path_truncated: false } },
    }),
  );
  t.deepEqual(found.processes[0]?.flags, ['setuid', 'exe_truncated', 'cwd_truncated']);
  t.is(found.processes[0]?.cwd?.length, 1024);
});

test('nobody logged in, no terminal, no parent: left out', (t) => {
  const { found } = decode(
    changed({
      target: { audit_token: { ...token(1), auid: -1 }, tty: null, ppid: 0, parent_audit_token: null, session_id: 0 },
    }),
  );
  const [seen] = found.processes;
  t.false(['loginuid', 'tty', 'parent', 'session_id'].some((field) => field in (seen ?? {})));
});

for (const [what, message] of Object.entries({
  'no target': changed({ exec: { target: null } }),
  'no process id': changed({ target: { audit_token: {} } }),
  'no image': changed({ target: { executable: null } }),
  'no time': changed({ message: { time: 'yesterday' } }),
  'another event': changed({ message: { event_type: 15 } }),
  'no event': { ...macos14(), event: null },
})) {
  test(`${what}: no event, but a number that is missed`, (t) => {
    const { found, decoder } = decode(message);
    t.deepEqual(found.all, ['1 unknown']);
    t.is(decoder.unreadable, 1);
  });
}

test('a jump of the numbers is a loss; lines that were no message are put down to themselves', (t) => {
  const numbered = (number: number): Json => changed({ message: { seq_num: number, global_seq_num: number } });
  const { found, decoder } = decode(
    numbered(0),
    numbered(5),
    '{"half": \n',
    'null\n',
    numbered(9),
    RESTART_MARK,
    numbered(0),
  );
  t.deepEqual(
    found.all.map((one) => (typeof one === 'string' ? one : one.pid)),
    [4711, '4 ring_full', 4711, '1 ring_full', '2 unknown', 4711, 'restarted', 4711],
  );
  t.deepEqual([decoder.counted, decoder.missed, decoder.unreadable], [11, 7, 2]);
});

test('without numbers events still come, and the source says what that means', (t) => {
  const { found, decoder } = decode(changed({ message: { seq_num: undefined, global_seq_num: undefined } }));
  t.is(found.processes.length, 1);
  t.is(decoder.limit, 'messages have no numbers: losses cannot be seen');
});

test('a line beyond the limit is passed over, and the next one found', (t) => {
  const found = new Found();
  const decoder = new EsloggerDecoder(found);
  const megabyte = Buffer.alloc(1 << 20, 'x');
  for (let i = 0; i < 40; i++) decoder.push(megabyte);
  decoder.push(Buffer.from(`\n${JSON.stringify(macos14())}\n`));
  t.is(found.processes.length, 1);
  t.is(decoder.unreadable, 1);
});

test('whatever JSON comes, with any part of a message replaced: an event that a client takes, or none', (t) => {
  const paths = fc.constantFrom(
    'time',
    'event',
    'event_type',
    'seq_num',
    'event.exec',
    'event.exec.target',
    'event.exec.args',
    'event.exec.script',
    'event.exec.cwd',
    'event.exec.dyld_exec_path',
    'event.exec.target.audit_token',
    'event.exec.target.executable',
    'event.exec.target.tty',
    'event.exec.target.start_time',
  );
  fc.assert(
    fc.property(paths, fc.jsonValue(), (path, value) => {
      const message = macos14();
      const keys = path.split('.');
      let at = message;
      for (const key of keys.slice(0, -1)) at = at[key] as Json;
      at[keys.at(-1) as string] = value;
      const { found } = decode(message);
      for (const seen of found.processes) parseEvent(processLine(seen)(1, () => 1 << 20));
    }),
    { numRuns: 3000 },
  );
  t.pass();
});

/** The line of a message whose exec has this environment. */
function lineWith(variables: readonly string[], env: unknown, room = 1 << 20): string {
  const { found } = decodeWith(variables, changed({ exec: { env } }));
  return processLine(found.processes[0]!)(1, () => room);
}

test('listed variables are told, and nothing of the others', (t) => {
  const names = ['A', 'DYLD_INSERT_LIBRARIES', '__proto__'];
  const line = lineWith(names, [
    'PATH=/usr/bin',
    'SECRET=hunter2',
    'A',
    'BA=no',
    'A=1',
    '=A=no',
    'A=x=y',
    '__proto__=p',
    '',
  ]);
  const event = parseEvent(line.slice(0, -1)) as ExecEvent;
  t.deepEqual(Object.entries(event.env ?? {}), [
    ['A', '1'],
    ['__proto__', 'p'],
  ]);
  t.deepEqual(event.env_repeated, { A: ['x=y'] });
  t.is(event.env_truncated, undefined);
  for (const secret of ['hunter2', 'PATH', 'no']) t.false(line.includes(`${secret}"`), secret);
  t.deepEqual(Object.keys(event).slice(Object.keys(event).indexOf('argv') + 1, Object.keys(event).indexOf('cwd')), [
    'env',
    'env_repeated',
  ]);
});

test('without --env nothing is told; with it, an environment that cannot be read is said to be missing', (t) => {
  t.false(lineWith([], ['A=1']).includes('env'));
  for (const env of [undefined, null, 'A=1', { A: 1 }, ['A=1', 2]])
    t.regex(lineWith(['A'], env), /"env_truncated":true/, JSON.stringify(env));
  t.false(lineWith(['A'], []).includes('env'));
});

test('values, their number and the room of a line bound it', (t) => {
  const long = parseEvent(lineWith(['A'], [`A=${'x'.repeat(5000)}`]).slice(0, -1)) as ExecEvent;
  t.is(long.env?.['A']?.length, 4096);
  t.true(long.env_truncated);
  const many = parseEvent(
    lineWith(
      ['A'],
      Array.from({ length: 1000 }, (_, i) => `A=${i}`),
    ).slice(0, -1),
  ) as ExecEvent;
  t.is(many.env_repeated?.['A']?.length, 63);
  t.true(many.env_truncated);
  const tight = parseEvent(lineWith(['A'], [`A=${'x'.repeat(4000)}`], 8192).slice(0, -1)) as ExecEvent;
  t.is(tight.env, undefined);
  t.true(tight.env_truncated);
});

test('an agent reads the event whatever times a message has, and a time that has no exact number is left out', (t) => {
  for (const [year, isTold] of [
    ['0000', false],
    ['1960', false],
    ['2254', true],
    ['2256', false],
    ['9999', false],
  ] as const) {
    const start = `${year}-06-06T00:00:00.999999999Z`;
    const [seen] = decode(changed({ target: { start_time: start } })).found.processes;
    if (seen === undefined) return t.fail(year);
    parseEvent(processLine(seen)(1, () => 1 << 20));
    t.is(seen.start_time !== undefined, isTold, year);
  }
});
