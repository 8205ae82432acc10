import fc from 'fast-check';
import test, { type ExecutionContext } from 'ava';
import { itemOf, NO_NUMBER } from '../../../../agent/events/item.ts';
import { SEAL_EXAMPLE } from '../../../../agent/events/seal.ts';
import { formatOf } from '../../../../agent/formats/choice.ts';
import type { FormatName } from '../../../../agent/formats/config.ts';
import { JsonEncoder } from '../../../../agent/outputs/otlp/json-encoder.ts';
import { BackwardWriter } from '../../../../agent/outputs/otlp/protobuf/backward-writer.ts';
import { ProtobufEncoder } from '../../../../agent/outputs/otlp/protobuf/encoder.ts';
import { RecordReader, sourceOf } from '../../../../agent/outputs/otlp/record-reader.ts';
import type { LogRecord } from '../../../../agent/outputs/otlp/record.ts';
import type { Batch } from '../../../../agent/outputs/output.ts';
import type { Platform } from '../../../../agent/values/platform.ts';
import { EXEC_EXAMPLE, EXEC_FAILED_EXAMPLE } from '../../../../shared/events/exec.ts';
import { GAP_EXAMPLE } from '../../../../shared/events/gap.ts';
import { VERSION } from '../../../../shared/version.ts';
import { requestIn, type SeenRecord, type SeenRequest } from '../../../support/otlp/reader.ts';
import { anyEvent, anyPlatform, GOLDEN, RUNS, type Golden } from '../../formats/support/events.ts';
import { official } from './official.ts';
import { encoded, IDENTITY, linesOf } from './support.ts';

const SOURCE = sourceOf(IDENTITY);
const ENCODERS = { protobuf: new ProtobufEncoder(SOURCE), json: new JsonEncoder(SOURCE) };
const NAMES = ['native', 'ecs', 'ocsf'] as const;

const recordsOf = (batch: Batch, platform: Platform = 'linux'): LogRecord[] => {
  const reader = new RecordReader({ ...IDENTITY, platform });
  return Array.from({ length: batch.records }, (_, i) => reader.read(batch, i));
};

const encode = (encoding: 'protobuf' | 'json', records: readonly LogRecord[]): Buffer =>
  Buffer.from(ENCODERS[encoding].encode(records.length, (i) => records[i]!));

/** Differences between OTLP's JSON and that of the official encoder are written anew: it writes 64-bit numbers as numbers, and a resource's count of nothing. */
const canonical = (body: Buffer): unknown =>
  JSON.parse(body.toString(), (key, value: unknown) => {
    if (key === 'intValue') return String(value);
    if (key === 'resource') return { attributes: (value as { attributes: unknown }).attributes };
    return value;
  });

/** U+FFFD for halves of surrogate pairs, as text of protobuf has it. */
const wellFormed = (record: LogRecord): LogRecord => ({
  ...record,
  attributes: record.attributes.map(({ key, value }) => ({
    key,
    value:
      typeof value === 'string'
        ? value.toWellFormed()
        : typeof value === 'object'
          ? value.map((item) => item.toWellFormed())
          : value,
  })),
  severityText: record.severityText.toWellFormed(),
});

/** Compares the request for these records with the official encoder's. @returns what a receiver sees */
function compare(t: ExecutionContext, records: readonly LogRecord[]): SeenRequest {
  const theirs = records.map(wellFormed);
  const ours = encode('protobuf', records);
  t.true(ours.equals(official('protobuf', theirs, SOURCE)));
  const json = encode('json', records);
  t.deepEqual(canonical(json), canonical(official('json', theirs, SOURCE)));
  const request = requestIn(ours, 'application/x-protobuf');
  t.deepEqual(requestIn(json, 'application/json'), request);
  return request;
}

const bodiesOf = ({ lines }: Batch): string[] => lines.toString().split('\n').slice(0, -1);

for (const name of NAMES)
  test(`${name}: a request is byte for byte what the official encoder writes, and says the same in JSON`, async (t) => {
    for (const platform of ['linux', 'macos', 'windows'] as const) {
      const events = GOLDEN.filter((golden) => golden.platform === platform).map(({ event }) => event);
      const batch = await linesOf(events, name, { platform, seal: 41 });
      const { resource, scope, records } = compare(t, recordsOf(batch, platform));
      t.deepEqual(resource, {
        'service.name': 'platform-probes',
        'service.version': VERSION,
        'host.id': IDENTITY.hostId,
        'host.name': 'walrus',
        'os.type': 'linux',
      });
      t.deepEqual(scope, { name: 'platform-probes', version: VERSION });
      t.deepEqual(
        records.map(({ body }) => body),
        bodiesOf(batch),
      );
    }
  });

test('the same holds of all events that there can be, and times are exact', async (t) => {
  for (const name of NAMES) {
    const format = await formatOf(name, IDENTITY);
    fc.assert(
      fc.property(fc.array(anyEvent, { minLength: 1, maxLength: 4 }), anyPlatform, (events, platform) => {
        const batch = encoded(
          format,
          events.map((event) => itemOf(event)),
        );
        const { records } = compare(t, recordsOf(batch, platform));
        t.deepEqual(
          records.map(({ body }) => body),
          bodiesOf(batch),
        );
        records.forEach(({ timeUnixNano, observedTimeUnixNano, eventName, attributes }, i) => {
          const { time, type, seq, rules } = events[i] as unknown as Record<string, unknown>;
          t.is(timeUnixNano, typeof time === 'string' ? nanosOf(time) : '0');
          t.is(observedTimeUnixNano, timeUnixNano);
          t.true(eventName.length <= 64 + 'probes.'.length);
          t.is(attributes['probes.type'], type === '' && name !== 'native' ? attributes['probes.type'] : type);
          if (type === 'exec') t.is(attributes['probes.seq'], seq);
          if (type === 'exec') t.is(attributes['security_rule.uuid'] !== undefined, rules !== undefined);
        });
      }),
      { numRuns: Math.ceil(RUNS / 3), seed: 31 },
    );
  }
});

/** Independent of the code: digits behind the second, padded. */
function nanosOf(time: string): string {
  const [, second, fraction = ''] = /^([^.Z]+)(?:\.(\d+))?Z$/u.exec(time)!;
  return BigInt(`${Date.parse(`${second}Z`) / 1000}${fraction.padEnd(9, '0')}`).toString();
}

/** The record of an event, as a receiver sees it. */
async function seen(
  event: object,
  from: Parameters<typeof linesOf>[2] = {},
  name: FormatName = 'native',
): Promise<SeenRecord> {
  const batch = await linesOf([event], name, from);
  return requestIn(encode('protobuf', recordsOf(batch, from.platform)), 'application/x-protobuf').records[0]!;
}

const COMMON = { 'probes.boot_id': 'boot', 'probes.stream': 'soc', 'probes.schema_version': 1 };
const golden = (title: string): Golden => GOLDEN.find((one) => one.title === title)!;

const MEANT: Readonly<Record<string, Partial<SeenRecord>>> = {
  'an exec': {
    timeUnixNano: '1678886400123456789',
    observedTimeUnixNano: '1678886400123456789',
    severityNumber: 9,
    severityText: '',
    eventName: 'process.exec',
    droppedAttributesCount: 0,
    attributes: {
      ...COMMON,
      'log.record.uid': 'boot:7302118:soc',
      'probes.type': 'exec',
      'probes.seq': 7302118,
      'process.pid': 12345,
      'process.parent_pid': 12001,
      'process.executable.path': '/usr/bin/env',
      'process.executable.name': 'env',
      'process.command': '/usr/bin/env',
      'process.command_args': ['/usr/bin/env', 'node', '/usr/bin/npm', 'install'],
      'process.args_count': 4,
      'process.working_directory': '/home/ada/site',
      'process.user.id': 1000,
      'process.real_user.id': 1000,
      'process.session_leader.pid': 12001,
      'process.linux.cgroup': '/user.slice/user-1000.slice/session-3.scope',
    },
  },
  'an exec of Windows': {
    timeUnixNano: '1678886400123456700',
    attributes: {
      ...COMMON,
      'log.record.uid': 'boot:17:soc',
      'probes.type': 'exec',
      'probes.seq': 17,
      'process.pid': 4712,
      'process.parent_pid': 600,
      'process.executable.path': 'C:\\Windows\\System32\\cmd.exe',
      'process.executable.name': 'cmd.exe',
      'process.command': 'cmd.exe',
      'process.command_args': ['cmd.exe', '/c', 'whoami'],
      'process.args_count': 3,
      'process.command_line': 'cmd.exe  /c "whoami"',
      'process.working_directory': 'C:\\Users\\ada',
      'process.creation.time': '2023-03-15T13:20:00.123456000Z',
      'user.id': 'S-1-5-21-1-2-3-1001',
    },
  },
  'an exec of macOS, by dtrace': {
    attributes: {
      ...COMMON,
      'log.record.uid': 'boot:4:soc',
      'probes.type': 'exec',
      'probes.seq': 4,
      'process.pid': 813,
      'process.executable.path': '/bin/ls',
      'process.executable.name': 'ls',
      'process.real_user.id': 0,
    },
  },
  'a fork': {
    eventName: 'process.fork',
    severityNumber: 9,
    attributes: {
      ...COMMON,
      'log.record.uid': 'boot:7302117:soc',
      'probes.type': 'fork',
      'probes.seq': 7302117,
      'process.pid': 12345,
      'process.parent_pid': 12001,
      'process.executable.path': '/usr/bin/bash',
      'process.executable.name': 'bash',
      'process.creation.time': '2023-03-15T13:20:00.122998001Z',
    },
  },
  'an exit': {
    eventName: 'process.exit',
    severityNumber: 9,
    attributes: {
      ...COMMON,
      'log.record.uid': 'boot:7302120:soc',
      'probes.type': 'exit',
      'probes.seq': 7302120,
      'process.pid': 12345,
      'process.creation.time': '2023-03-15T13:20:00.123457417Z',
      'process.exit.code': 0,
      'process.exit.time': '2023-03-15T13:20:03.000000417Z',
    },
  },
  'an event of a type that is not known': {
    eventName: 'probes.dns',
    severityNumber: 9,
    attributes: { ...COMMON, 'log.record.uid': 'boot:12:soc', 'probes.type': 'dns', 'probes.seq': 12 },
  },
};

for (const [title, meant] of Object.entries(MEANT))
  test(`${title}: time, severity, name and attributes are as meant`, async (t) => {
    const { event, platform } = golden(title);
    const record = await seen(event, { platform });
    for (const [field, value] of Object.entries(meant)) t.deepEqual(record[field as keyof SeenRecord], value, field);
  });

test('each variable is an attribute; other values of its name are a list', async (t) => {
  const { attributes } = await seen(golden('an exec with variables').event);
  t.like(attributes, {
    'process.environment_variable.LD_PRELOAD': '',
    'process.environment_variable.PATH': '/bin=x',
    'probes.env_repeated': ['LD_PRELOAD=/tmp/x.so', 'LD_PRELOAD='],
    'probes.env_truncated': true,
  });
});

test('names that are one in UTF-8 make one attribute, and the others count as left out', async (t) => {
  const variables = { '\uD800': 'a', 'X': 'b', '\uFFFD': 'c', '\uDC00': 'd' };
  const { attributes, droppedAttributesCount } = await seen({ ...EXEC_EXAMPLE, env: variables });
  t.like(attributes, {
    'process.environment_variable.\uFFFD': 'a',
    'process.environment_variable.X': 'b',
  });
  t.is(droppedAttributesCount, 2);
});

test('names that are never the same take no memory', async (t) => {
  const env = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`N${i}`, 'x']));
  const { attributes } = await seen({ ...EXEC_EXAMPLE, env });
  for (const i of [0, 1500, 2999]) t.is(attributes[`process.environment_variable.N${i}`], 'x');
});

test('a gap is a warning and has its range; a failed exec its error; an alert its rule and level', async (t) => {
  const gap = await seen(GAP_EXAMPLE);
  t.like(gap, { severityNumber: 13, severityText: '', eventName: 'probes.gap' });
  t.like(gap.attributes, {
    'probes.gap.first': 7302121,
    'probes.gap.last': 7302184,
    'probes.gap.count': 64,
    'probes.gap.hop': 'ring',
    'probes.gap.cause': GAP_EXAMPLE.cause,
  });
  t.regex(String(gap.attributes['log.record.uid']), /^boot:7302121-7302184:[0-9a-f]{16}:soc$/u);
  t.is((await seen({ ...GAP_EXAMPLE, uncounted: true })).attributes['probes.gap.uncounted'], true);
  const failed = await seen(golden('a failed exec').event);
  t.is(failed.eventName, 'process.exec_failed');
  t.like(failed.attributes, { 'error.type': EXEC_FAILED_EXAMPLE.error, 'process.executable.path': '/usr/bin/bash' });
  for (const [level, number] of [
    ['informational', 9],
    ['low', 10],
    ['medium', 13],
    ['high', 17],
    ['critical', 18],
    [undefined, 10],
  ] as const) {
    const rules = [
      { id: 'a', title: 'A', level: 'informational' },
      { id: 'b', title: 'B', level },
    ].slice(level === 'informational' || level === undefined ? 1 : 0);
    const alert = await seen({ ...EXEC_EXAMPLE, rules });
    t.like(alert, { severityNumber: number, severityText: level ?? '', eventName: 'process.exec' });
    t.like(alert.attributes, { 'security_rule.uuid': 'b', 'security_rule.name': 'B' });
  }
});

test('a seal has its numbers, and every record the number of its seal', async (t) => {
  const seal = await seen(SEAL_EXAMPLE, { seal: 41 });
  t.is(seal.eventName, 'probes.seal');
  const { type: _, time: _time, ...numbers } = SEAL_EXAMPLE;
  t.like(
    seal.attributes,
    Object.fromEntries(Object.entries({ ...numbers, number: 41 }).map(([key, value]) => [`probes.seal.${key}`, value])),
  );
  const { attributes } = await seen(EXEC_EXAMPLE, { seal: 41 });
  t.like(attributes, { 'probes.seal.number': 41, 'log.record.uid': 'boot:7302118:soc:41' });
});

for (const name of ['ecs', 'ocsf'] as const)
  test(`${name}: a record has no attribute of a process: its line has less than a native one`, async (t) => {
    for (const { event, platform, title } of GOLDEN) {
      const { attributes } = await seen(event, { platform, seal: 41 }, name);
      const names = Object.keys(attributes).filter((key) => !/^(?:probes|security_rule|log\.record)\./u.test(key));
      t.deepEqual(names, [], title);
    }
  });

test('in every format a record has the same time, severity, name, type, number, boot, seal and rule', async (t) => {
  for (const { event, platform, title } of GOLDEN) {
    const [native, ...others] = await Promise.all(
      NAMES.map(async (name) => {
        const record = await seen(event, { platform, seal: 41 }, name);
        const kept = Object.entries(record.attributes).filter(([key]) => /^(?:probes|security_rule)\./u.test(key));
        const { body: _, attributes, ...rest } = record;
        // Times of a step of the clock, variables and facts of a process are in the body alone, and a name with a checksum is the line's.
        const own = kept.filter(([key]) => !/^probes\.(?:clock\.|hash\.|parent\.|user\.|env_)/u.test(key));
        const id = String(attributes['log.record.uid']);
        return { ...rest, ...Object.fromEntries(own), id: /:[0-9a-f]{16}:/u.test(id) ? '' : id };
      }),
    );
    for (const other of others) t.deepEqual(other, native, title);
  }
});

for (const [what, argv] of [
  ['2 MB of arguments', ['x', ...Array.from({ length: 16 }, (_, i) => String(i % 10).repeat(131_000))]],
  ['one argument of 2 MB of wide letters', ['x', '😀'.repeat(500_000)]],
  ['100,000 arguments', Array.from({ length: 100_000 }, (_, i) => `a${i}`)],
  ['100,000 empty arguments', Array.from({ length: 100_000 }, () => '')],
] as const)
  test(`${what}: the body has all of it, the attribute is left out and counted`, async (t) => {
    const event = { ...EXEC_EXAMPLE, argv, command: argv.join(' ') };
    const batch = await linesOf([event]);
    const [record] = compare(t, recordsOf(batch)).records;
    t.deepEqual(JSON.parse(record!.body), { ...event, ...identityIn(record!.body) });
    t.is(record!.droppedAttributesCount, 1);
    t.false('process.command_args' in record!.attributes);
    t.is(record!.attributes['process.args_count'], argv.length);
    t.is(record!.attributes['process.command'], argv[0]);
  });

const identityIn = (line: string): object => {
  const { host_id, host, boot_id, stream, schema_version } = JSON.parse(line) as Record<string, unknown>;
  return { host_id, host, boot_id, stream, schema_version };
};

test('an attribute has 32 KiB at most, in bytes; lists count what is around each text', async (t) => {
  for (const [cwd, isKept] of [
    ['x'.repeat(32 * 1024), true],
    ['x'.repeat(32 * 1024 + 1), false],
    ['é'.repeat(16 * 1024), true],
    [`${'é'.repeat(16 * 1024)}x`, false],
  ] as const) {
    const { attributes, droppedAttributesCount } = await seen({ ...EXEC_EXAMPLE, cwd });
    t.is(attributes['process.working_directory'], isKept ? cwd : undefined);
    t.is(droppedAttributesCount, isKept ? 0 : 1);
  }
});

test('control bytes and halves of surrogate pairs make text that is UTF-8', async (t) => {
  const argv = [
    '\u0000\u0001\u001f\u007f\n',
    '\ud800',
    'a\udc00b',
    '\ud83d\ude00',
    '\ud800\ud800\udc00',
    '\u2028',
    '"\\',
  ];
  const event = { ...EXEC_EXAMPLE, argv, exe: '/\udfff', rules: [{ id: '\ud800', title: '\udc00', level: 'high' }] };
  const batch = await linesOf([event]);
  const [record] = compare(t, recordsOf(batch)).records;
  t.deepEqual(
    record!.attributes['process.command_args'],
    argv.map((text) => text.toWellFormed()),
  );
  t.like(record!.attributes, { 'process.executable.path': '/\ufffd', 'security_rule.uuid': '\ufffd' });
  // The line says it in escapes, which are text like any other.
  t.true(record!.body.includes('"\\ud800"'));
  t.deepEqual((JSON.parse(record!.body) as { argv: unknown }).argv, argv);
});

test('a line that is no UTF-8, no JSON, or nested without end makes a record with a body of UTF-8', async (t) => {
  const deep = `{"type":"later","x":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
  for (const [line, body] of [
    [Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), '{\ufffd\ufffd}'],
    [Buffer.from('no JSON'), 'no JSON'],
    [Buffer.from('7'), '7'],
    [Buffer.from('null'), 'null'],
    [Buffer.from('{"type":5,"time":7,"rules":[1]}'), '{"type":5,"time":7,"rules":[1]}'],
    [Buffer.from(deep), deep],
  ] as const) {
    const one = { first: NO_NUMBER, last: NO_NUMBER };
    const lines = Buffer.concat([line, Buffer.from('\n')]);
    const batch = {
      lines,
      records: 1,
      bootId: 'boot',
      ...one,
      endOf: () => lines.length,
      numbersOf: () => one,
      isGap: () => false,
      stillWorking: () => undefined,
    };
    const { records } = compare(t, recordsOf(batch));
    t.is(records[0]!.body, body);
    t.is(records[0]!.timeUnixNano, '0');
    t.regex(records[0]!.eventName, /^probes\.(?:other|unreadable|later)$/u);
    t.regex(String(records[0]!.attributes['log.record.uid']), /^boot:-:[0-9a-f]{16}:soc$/u);
  }
});

test('times that do not fit are left at 0', async (t) => {
  for (const [time, nanos] of [
    ['1969-12-31T23:59:59.999999999Z', '0'],
    ['1970-01-01T00:00:00.000000001Z', '1'],
    ['2554-07-21T23:34:33.709551615Z', String(2n ** 64n - 1n)],
    ['2554-07-21T23:34:33.709551616Z', '0'],
    ['9999-12-31T23:59:59Z', '0'],
    ['yesterday', '0'],
  ] as const)
    t.is((await seen({ type: 'later', time })).timeUnixNano, nanos, time);
});

test('numbers of every size are written as protobuf has them', (t) => {
  const writer = new BackwardWriter(1);
  fc.assert(
    fc.property(fc.array(fc.maxSafeInteger(), { maxLength: 50 }), (numbers) => {
      writer.clear();
      for (const number of numbers) writer.varint(number);
      const bytes = numbers.toReversed().flatMap((number) => {
        const list: number[] = [];
        for (let rest = BigInt.asUintN(64, BigInt(number)); ; rest >>= 7n) {
          if (rest < 128n) return [...list, Number(rest)];
          list.push(Number(rest & 127n) | 128);
        }
      });
      t.deepEqual([...writer.written], bytes);
    }),
  );
});

test('memory of a large request is given back with the next', (t) => {
  const writer = new BackwardWriter();
  writer.bytes(Buffer.alloc(20 * 1024 * 1024));
  t.true(writer.written.buffer.byteLength >= 20 * 1024 * 1024);
  writer.clear();
  writer.byte(1);
  t.true(writer.written.buffer.byteLength <= 64 * 1024);
});
