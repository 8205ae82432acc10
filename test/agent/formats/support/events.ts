import fc from 'fast-check';
import type { StreamEvent } from '../../../../agent/events/item.ts';
import { SEAL_EXAMPLE, SEAL_REASONS } from '../../../../agent/events/seal.ts';
import { CLOCK_EXAMPLE } from '../../../../shared/events/clock.ts';
import { EXEC_EXAMPLE, EXEC_FAILED_EXAMPLE } from '../../../../shared/events/exec.ts';
import { EXIT_EXAMPLE } from '../../../../shared/events/exit.ts';
import { FORK_EXAMPLE } from '../../../../shared/events/fork.ts';
import { GAP_EXAMPLE } from '../../../../shared/events/gap.ts';
import type { Platform } from '../../../../agent/values/platform.ts';

export interface Golden {
  readonly title: string;
  readonly platform: Platform;
  readonly event: StreamEvent;
}

const SNAPSHOT = { ...EXEC_EXAMPLE, seq: 9, source: 'snapshot' } as const;

const CONTAINED = {
  ...EXEC_EXAMPLE,
  container_id: 'c'.repeat(64),
  ns: { pid: 4026532000, mnt: 4026532001 },
  raw: { 'argv[2]': '/3A=', 'parent.exe': '/w==' },
  argv_truncated: true,
  redacted: true,
} as const;

const WINDOWS = {
  pid: 4712,
  command: 'C:\\Windows\\System32\\cmd.exe /c whoami',
  timestamp: 1678886400,
  type: 'exec',
  seq: 17,
  time: '2023-03-15T13:20:00.1234567Z',
  ppid: 600,
  user_sid: 'S-1-5-21-1-2-3-1001',
  logon_id: '0x3e7a1',
  integrity_level: 'medium',
  elevated: false,
  session_id: 1,
  exe: 'C:\\Windows\\System32\\cmd.exe',
  filename: 'C:\\Windows\\System32\\cmd.exe',
  argv: ['cmd.exe', '/c', 'whoami'],
  command_line: 'cmd.exe  /c "whoami"',
  command_source: 'etw',
  cwd: 'C:\\Users\\ada',
  start_time: 1678886400123456,
  parent: { pid: 600, start_time: 1678880000000000, exe: 'C:\\Windows\\explorer.exe' },
  source: 'etw',
} as const;

const ESLOGGER = {
  pid: 812,
  command: '/bin/ls -l',
  timestamp: 1678886400,
  type: 'exec',
  seq: 3,
  time: '2023-03-15T13:20:00.5Z',
  ppid: 700,
  uid: 501,
  gid: 20,
  euid: 501,
  egid: 20,
  session_id: 690,
  tty: 268435457,
  exe: '/bin/ls',
  filename: '/bin/ls',
  argv: ['ls', '-l'],
  cwd: '/Users/ada',
  start_time: 1678886400400000,
  parent: { pid: 700 },
  source: 'eslogger',
} as const;

const DTRACE = {
  pid: 813,
  command: '/bin/ls',
  timestamp: 1678886401,
  type: 'exec',
  seq: 4,
  time: '2023-03-15T13:20:01Z',
  uid: 0,
  filename: '/bin/ls',
  comm: 'ls',
  source: 'dtrace',
} as const;

export const RULES = [
  { id: 'one', title: 'Low one', level: 'low', tags: ['attack.stealth', 'attack.defense-evasion', 'car.2016-03-001'] },
  {
    id: 'two',
    title: 'High one',
    level: 'high',
    author: 'Ada, Bob',
    tags: ['attack.execution', 'attack.t1059', 'attack.t1059.004', 'attack.T1105', 'attack.s0190', 'attack.nonsense'],
    suppressed: 3,
  },
  { id: 'three', title: 'Correlated', tags: [], group: { User: 'ada' }, measure: 7 },
] as const;

const ALERT = {
  ...EXEC_EXAMPLE,
  entity_id: 'boot/12345/7301999120',
  ancestors: [
    { pid: 12001, entity_id: 'boot/12001/7203340118', exe: '/usr/bin/bash', command_line: '-bash' },
    { pid: 1, exe: '/sbin/init' },
  ],
  container: {
    id: 'ab'.repeat(32),
    runtime: 'containerd',
    pod_uid: '5f413373-db04-4240-a645-993a3fbcffc3',
    qos: 'burstable',
    name: 'web',
    image: 'nginx:1.27',
  },
  image_truncated: true,
  rules: RULES,
} as const;

const FACTS = {
  user: { name: 'ada', effective: { name: 'root' } },
  group: { name: 'ada', effective: { name: 'wheel' } },
  hashes: { sha256: 'ab'.repeat(32) },
  entity_id: 'boot/12345/7301999120',
  ancestors: ALERT.ancestors,
  container: {
    id: 'c'.repeat(64),
    runtime: 'containerd',
    pod_uid: '1-2-3',
    qos: 'burstable',
    name: 'web',
    image: 'nginx',
  },
} as const;

const linux = (title: string, event: object): Golden => ({ title, platform: 'linux', event: event as StreamEvent });

/** One event of each kind, and of each system. */
export const GOLDEN: readonly Golden[] = [
  linux('an exec', EXEC_EXAMPLE),
  linux('an exec of a container, with bytes', CONTAINED),
  linux('a snapshot', SNAPSHOT),
  linux('an alert', ALERT),
  linux('an alert without levels and tags', { ...EXEC_EXAMPLE, rules: [{ id: 'x', title: 'y' }] }),
  linux('an exec with facts', {
    ...EXEC_EXAMPLE,
    ...FACTS,
    euid: 0,
    egid: 0,
    parent: { ...EXEC_EXAMPLE.parent, command_line: '-bash' },
  }),
  linux('an exec whose facts are none', {
    ...EXEC_EXAMPLE,
    user: 'ada',
    group: 5,
    hashes: { md5: 'x' },
    container: {},
    ancestors: [5],
  }),
  linux('an exec with the hash of an image without a name', { ...EXEC_EXAMPLE, ...FACTS, exe: '/', euid: 0, egid: 0 }),
  linux('a failed exec', EXEC_FAILED_EXAMPLE),
  linux('a failed exec of a descriptor', { ...EXEC_FAILED_EXAMPLE, filename: '/dev/fd/3', fd_path: '/tmp/x' }),
  linux('an exec with variables', {
    ...EXEC_EXAMPLE,
    env: { LD_PRELOAD: '', PATH: '/bin=x' },
    env_repeated: { LD_PRELOAD: ['/tmp/x.so', ''] },
    env_truncated: true,
  }),
  linux('an exec without any of the variables', { ...EXEC_EXAMPLE, env: {} }),
  linux('a fork', FORK_EXAMPLE),
  linux('a fork with another parent and bytes', {
    ...FORK_EXAMPLE,
    ppid: 1,
    flags: ['exe_truncated'],
    raw: { exe: '/w==' },
  }),
  linux('an exit', EXIT_EXAMPLE),
  linux('an exit by a signal, at once', { ...EXIT_EXAMPLE, exit_code: undefined, signal: 'SIGKILL', run_time: 0 }),
  linux('a gap', GAP_EXAMPLE),
  linux('an uncounted gap', { ...GAP_EXAMPLE, uncounted: true }),
  linux('a step of the clock', CLOCK_EXAMPLE),
  linux('a seal', SEAL_EXAMPLE),
  linux('an event of a type that is not known', {
    type: 'dns',
    seq: 12,
    time: EXIT_EXAMPLE.time,
    action: 'x',
    seal: {},
  }),
  linux('an event that is nothing but its type', { type: 'later' }),
  linux('an exec with fields of a later version', { ...EXEC_EXAMPLE, later: { seal: { number: 7 } } }),
  linux('an alert whose container is none', {
    ...EXEC_EXAMPLE,
    rules: RULES,
    container: { id: 'x', runtime: 7, later: 1 },
  }),
  linux('an exec whose rules are no rules', { ...EXEC_EXAMPLE, rules: 'none', entity_id: 5 }),
  linux('a process without a parent', { ...EXEC_EXAMPLE, ppid: undefined, parent: undefined, filename: undefined }),
  linux('a process with hardly anything', {
    pid: 2,
    command: '',
    timestamp: 0,
    type: 'exec',
    seq: 0,
    time: '1970-01-01T00:00:00Z',
  }),
  { title: 'an exec of Windows', platform: 'windows', event: WINDOWS as unknown as StreamEvent },
  {
    title: 'an exec of Windows with an account',
    platform: 'windows',
    event: { ...WINDOWS, user: { name: 'NT AUTHORITY\\SYSTEM' } } as unknown as StreamEvent,
  },
  { title: 'an exec of macOS, by eslogger', platform: 'macos', event: ESLOGGER as unknown as StreamEvent },
  { title: 'an exec of macOS, by dtrace', platform: 'macos', event: DTRACE as unknown as StreamEvent },
].map((golden) => ({ ...golden, event: withoutUndefined(golden.event) }) as Golden);

function withoutUndefined(event: StreamEvent): StreamEvent {
  return JSON.parse(JSON.stringify(event)) as StreamEvent;
}

const MAX = Number.MAX_SAFE_INTEGER;
const number = fc.oneof(fc.nat(), fc.nat(300), fc.integer({ min: 0, max: MAX }));
const small = fc.nat({ max: 2 ** 32 - 1 });

/** Text that could be taken for JSON, for a key, or for the end of something. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ maxLength: 30 }),
  fc.constantFrom(
    '',
    '/',
    '\\',
    '"',
    '/usr/bin/x',
    'C:\\x\\y.exe',
    '"action":"exec"',
    '","event_code":"gap","seal":{"number":9',
    '"}\n',
    '\u0000',
    '\uFFFD',
    '\uD800',
    'é😀',
    '__proto__',
    '"rules":[',
    '"type":"seal"',
  ),
);
const path = fc.oneof(
  text,
  fc.array(fc.string({ maxLength: 5 }), { maxLength: 4 }).map((parts) => `/${parts.join('/')}`),
);

/** Whole seconds and the text of the same moment. */
const moment = fc
  .record({
    timestamp: fc.integer({ min: 0, max: 4_000_000_000 }),
    digits: fc.nat({ max: 9 }),
    nanos: fc.nat(999_999_999),
  })
  .map(({ timestamp, digits, nanos }) => {
    const fraction = digits === 0 ? '' : `.${String(nanos).padStart(9, '0').slice(0, digits)}`;
    return { timestamp, time: `${new Date(timestamp * 1000).toISOString().slice(0, 19)}${fraction}Z` };
  });

const command = fc.record(
  {
    pid: small,
    command: text,
    seq: number,
    ppid: small,
    uid: small,
    gid: small,
    euid: small,
    egid: small,
    loginuid: small,
    user_sid: text,
    logon_id: text,
    integrity_level: fc.oneof(fc.constantFrom('untrusted', 'low', 'medium', 'medium_plus', 'system'), text),
    elevated: fc.boolean(),
    session_id: small,
    tty: small,
    exe: path,
    filename: path,
    argv: fc.array(text, { maxLength: 6 }),
    argv_bytes: number,
    argv_truncated: fc.constant(true),
    raw: fc.dictionary(text, fc.base64String(), { maxKeys: 3, noNullPrototype: true }),
    command_line: text,
    command_source: fc.constantFrom('etw', 'process'),
    cwd: path,
    comm: text,
    start_time: number,
    cgroup: path,
    container_id: text,
    ns: fc.dictionary(text, small, { maxKeys: 3, noNullPrototype: true }),
    flags: fc.array(text, { maxLength: 3 }),
    parent: fc.record({ pid: small, start_time: number, exe: path }, { requiredKeys: ['pid'] }),
    source: fc.constantFrom('ebpf', 'etw', 'dtrace', 'eslogger', 'snapshot'),
    redacted: fc.constant(true),
  },
  { requiredKeys: ['pid', 'command', 'seq'] },
);

/** A name holds no `=`: the environment would say another. */
const variable = text.map((name) => name.replaceAll('=', '-'));

const environment = fc.record(
  {
    env: fc.dictionary(variable, text, { maxKeys: 3, noNullPrototype: true }),
    env_repeated: fc.dictionary(variable, fc.array(text, { maxLength: 3 }), { maxKeys: 2, noNullPrototype: true }),
    env_truncated: fc.constant(true),
  },
  { requiredKeys: [] },
);

const fork = fc.record(
  {
    pid: small,
    seq: number,
    ppid: small,
    exe: path,
    comm: text,
    raw: fc.dictionary(text, fc.base64String(), { maxKeys: 3, noNullPrototype: true }),
    start_time: number,
    flags: fc.array(text, { maxLength: 2 }),
    parent: fc.record({ pid: small, start_time: number }),
    redacted: fc.constant(true),
  },
  { requiredKeys: ['pid', 'seq', 'ppid', 'comm', 'start_time', 'parent'] },
);

const rule = fc.record(
  {
    id: text,
    title: text,
    level: fc.constantFrom('informational', 'low', 'medium', 'high', 'critical'),
    author: text,
    tags: fc.array(
      fc.oneof(text, fc.constantFrom('attack.execution', 'attack.t1059', 'attack.t1059.004', 'attack.impact')),
      {
        maxLength: 4,
      },
    ),
    suppressed: number,
  },
  { requiredKeys: ['id', 'title'] },
);

const container = fc.record(
  { id: text, runtime: text, pod_uid: text, qos: text, name: text, image: text },
  { requiredKeys: ['id'] },
);

const ofAlert = fc.record(
  {
    rules: fc.array(rule, { minLength: 1, maxLength: 3 }),
    entity_id: text,
    ancestors: fc.array(
      fc.record({ pid: small, entity_id: text, exe: path, command_line: text }, { requiredKeys: ['pid'] }),
      { maxLength: 3 },
    ),
    container,
    image_truncated: fc.constant(true),
  },
  { requiredKeys: ['rules'] },
);

/** Facts that outputs can ask for. Names of the effective user and group are there where these are others. */
const withFacts = (commands: fc.Arbitrary<object>): fc.Arbitrary<object> =>
  fc
    .tuple(
      commands,
      fc.record(
        { user: text, group: text, effective: text, hash: text, line: text, id: text, container },
        { requiredKeys: ['effective'] },
      ),
      fc.array(fc.record({ pid: small, exe: path, command_line: text }, { requiredKeys: ['pid'] }), { maxLength: 2 }),
    )
    .map(([event, { user, group, effective, hash, line, id, container: of }, ancestors]) => {
      const { uid, euid, gid, egid, parent } = event as Record<string, number> & { parent?: object };
      const names = (name: string | undefined, real?: number, other?: number): object | undefined =>
        name === undefined
          ? undefined
          : { name, ...(other === undefined || other === real ? {} : { effective: { name: effective } }) };
      return {
        ...event,
        user: names(user, uid, euid),
        group: names(group, gid, egid),
        ...(hash === undefined ? {} : { hashes: { sha256: hash } }),
        ...(id === undefined ? {} : { entity_id: id }),
        ...(parent === undefined || line === undefined ? {} : { parent: { ...parent, command_line: line } }),
        ...(ancestors.length === 0 ? {} : { ancestors }),
        ...(of === undefined ? {} : { container: of }),
      };
    });

const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 });
const instant = moment.map(({ time }) => time);

const exit = fc.record(
  {
    pid: small,
    seq: number,
    start_time: number,
    exit_code: fc.nat(255),
    signal: text,
    run_time: fc.nat({ max: 9e12 }),
  },
  { requiredKeys: ['pid', 'seq', 'start_time', 'run_time'] },
);
const gap = fc.record(
  { time: instant, hop: text, first: number, last: number, count: number, cause: text, uncounted: fc.constant(true) },
  { requiredKeys: ['time', 'hop', 'first', 'last', 'count', 'cause'] },
);
const clock = fc.record(
  { time: instant, from: instant, to: instant, from_seq: number, since: number },
  { requiredKeys: ['time', 'from', 'to', 'from_seq'] },
);
const seal = fc.record(
  {
    time: instant,
    from: number,
    to: number,
    sent: number,
    filtered: number,
    gap: number,
    lines: number,
    sum: number,
    prev: hex,
    reason: fc.constantFrom(...SEAL_REASONS),
    kernel_count: number,
    kernel_lost: number,
    probe_sha256: hex,
    config_sha256: hex,
    rules_sha256: hex,
  },
  { requiredKeys: ['time', 'from', 'to', 'sent', 'filtered', 'gap', 'lines', 'sum', 'reason'] },
);
/** A field name that no type has; `__proto__` cannot be written as one in a literal, but JSON can hold it. */
const laterName = fc.constantFrom('later', 'action', 'seal', 'other', 'event', 'rules', 'type2', 'first', 'number');
const later = fc
  .record({
    name: fc.constantFrom('ptrace', 'dns', ''),
    fields: fc.dictionary(laterName, fc.jsonValue(), { noNullPrototype: true }),
  })
  .map(({ name, fields }) => ({ type: name, ...fields }));
const laterFields = fc.dictionary(fc.constantFrom('later', 'action', 'number'), fc.jsonValue(), {
  maxKeys: 2,
  noNullPrototype: true,
});

const typed = (type: string, fields: fc.Arbitrary<object>): fc.Arbitrary<object> =>
  fc.tuple(fields, moment).map(([own, { timestamp, time }]) => ({ ...own, type, timestamp, time }));
const untimed = (type: string, fields: fc.Arbitrary<object>): fc.Arbitrary<object> =>
  fields.map((own) => ({ ...own, type }));
const both = (one: fc.Arbitrary<object>, other: fc.Arbitrary<object>): fc.Arbitrary<object> =>
  fc.tuple(one, other).map(([a, b]) => ({ ...a, ...b }));

/** Events of every kind with values of every kind, as JSON brings them. */
export const anyEvent: fc.Arbitrary<StreamEvent> = fc
  .oneof(
    { weight: 4, arbitrary: typed('exec', command) },
    { weight: 1, arbitrary: typed('exec', both(command, laterFields)) },
    { weight: 2, arbitrary: typed('exec', withFacts(command)) },
    { weight: 2, arbitrary: typed('exec', both(command, environment)) },
    {
      weight: 1,
      arbitrary: typed(
        'fork',
        fork.map((own) => ({ ...own, source: 'ebpf' })),
      ),
    },
    { weight: 2, arbitrary: typed('exec', both(command, ofAlert)) },
    {
      weight: 2,
      arbitrary: typed(
        'exec_failed',
        both(withFacts(command), fc.record({ error: text, fd_path: path }, { requiredKeys: ['error'] })),
      ),
    },
    {
      weight: 2,
      arbitrary: typed(
        'exit',
        exit.map((own) => ({ ...own, source: 'ebpf' })),
      ),
    },
    untimed('gap', gap),
    untimed('clock', clock),
    untimed('seal', seal),
    later,
  )
  .map((event) => JSON.parse(JSON.stringify(event)) as StreamEvent);

export const anyPlatform: fc.Arbitrary<Platform> = fc.constantFrom('linux', 'macos', 'windows');

/** FORMAT_PROPERTY_RUNS=10000 is the full proof; it takes a minute. */
export const RUNS = Number(process.env['FORMAT_PROPERTY_RUNS'] ?? 500);
