import test, { type ExecutionContext } from 'ava';
import * as fc from 'fast-check';
import { CLOCK_EXAMPLE, CLOCK_FIELDS, CLOCK_REQUIRED } from '../../../shared/events/clock.ts';
import {
  EXEC_EXAMPLE,
  EXEC_FAILED_EXAMPLE,
  EXEC_FAILED_FIELDS,
  EXEC_FAILED_REQUIRED,
  EXEC_FIELDS,
  EXEC_REQUIRED,
} from '../../../shared/events/exec.ts';
import { EXIT_EXAMPLE, EXIT_FIELDS, EXIT_REQUIRED } from '../../../shared/events/exit.ts';
import { FORK_EXAMPLE, FORK_FIELDS, FORK_REQUIRED } from '../../../shared/events/fork.ts';
import { GAP_EXAMPLE, GAP_FIELDS, GAP_REQUIRED } from '../../../shared/events/gap.ts';
import { HEARTBEAT_EXAMPLE, HEARTBEAT_FIELDS, HEARTBEAT_REQUIRED } from '../../../shared/events/heartbeat.ts';
import { HELLO_EXAMPLE, HELLO_FIELDS, HELLO_REQUIRED } from '../../../shared/events/hello.ts';
import { checkEvent, EventError } from '../../../shared/events/parse.ts';
import { isKnown, parseEvent } from '../../support/events.ts';

type Fields = Record<string, unknown>;

const TYPES = [
  { example: { ...HELLO_EXAMPLE } as Fields, required: HELLO_REQUIRED, fields: Object.keys(HELLO_FIELDS) },
  { example: { ...EXEC_EXAMPLE } as Fields, required: EXEC_REQUIRED, fields: Object.keys(EXEC_FIELDS) },
  {
    example: { ...EXEC_FAILED_EXAMPLE } as Fields,
    required: EXEC_FAILED_REQUIRED,
    fields: Object.keys(EXEC_FAILED_FIELDS),
  },
  { example: { ...FORK_EXAMPLE } as Fields, required: FORK_REQUIRED, fields: Object.keys(FORK_FIELDS) },
  { example: { ...EXIT_EXAMPLE } as Fields, required: EXIT_REQUIRED, fields: Object.keys(EXIT_FIELDS) },
  { example: { ...GAP_EXAMPLE } as Fields, required: GAP_REQUIRED, fields: Object.keys(GAP_FIELDS) },
  { example: { ...CLOCK_EXAMPLE } as Fields, required: CLOCK_REQUIRED, fields: Object.keys(CLOCK_FIELDS) },
  { example: { ...HEARTBEAT_EXAMPLE } as Fields, required: HEARTBEAT_REQUIRED, fields: Object.keys(HEARTBEAT_FIELDS) },
].map((type) => ({ ...type, name: String(type.example['type']) }));

function refusal(t: ExecutionContext, event: unknown, why: string): EventError {
  return t.throws(() => parseEvent(JSON.stringify(event)), { instanceOf: EventError }, why);
}

for (const { name, example, required, fields } of TYPES) {
  test(`the example of ${name} is an event, and is returned whole`, (t) => {
    t.deepEqual(parseEvent(JSON.stringify(example)) as unknown as Fields, example);
  });

  test(`${name} without a required field is refused and the field is named`, (t) => {
    for (const field of required) {
      const { [field]: _, ...rest } = example;
      const error = refusal(t, rest, field);
      t.is(error.field, field);
      t.is(error.message, `${name}.${field}: missing`);
    }
  });

  test(`${name} with a null, an object, or a wrong type in any field is refused and the field is named`, (t) => {
    for (const field of fields.filter((each) => each !== 'type')) {
      for (const wrong of [null, -1.5, {}, [1], 'x\u0000', false]) {
        if (fits(name, field, wrong)) continue;
        const error = refusal(t, { ...example, [field]: wrong }, `${field}: ${JSON.stringify(wrong)}`);
        t.is(error.field, field);
        t.regex(error.message, new RegExp(`^${name}\\.${field}: expected `));
      }
    }
  });

  test(`${name} keeps fields that this version does not know`, (t) => {
    const event = { ...example, later: { a: [1, null] }, constructor: 'x' };
    t.deepEqual(parseEvent(JSON.stringify(event)) as unknown as Fields, event as unknown as Fields);
  });
}

/** Values of the list above that the field may well have. */
function fits(name: string, field: string, value: unknown): boolean {
  if (field === 'elevated') return value === false;
  if (value === 'x\u0000') {
    const texts = [
      'helper',
      'boot_id',
      'command',
      'exe',
      'filename',
      'fd_path',
      'cwd',
      'comm',
      'cgroup',
      'container_id',
      'error',
      'signal',
      'hop',
      'cause',
      'command_line',
      'user_sid',
      'logon_id',
      'integrity_level',
    ];
    return texts.includes(field);
  }
  // No namespace and no raw string is no contradiction.
  return JSON.stringify(value) === '{}' && ['ns', 'raw', 'env', 'env_repeated'].includes(field) && name !== '';
}

test('numbers that JavaScript cannot hold exactly are refused', (t) => {
  for (const seq of ['9007199254740992', '1e300', '1.5', '-1', '"7"']) {
    const line = JSON.stringify(EXEC_EXAMPLE).replace('"seq":7302118', `"seq":${seq}`);
    t.is(t.throws(() => parseEvent(line), { instanceOf: EventError }, seq).field, 'seq');
  }
  t.notThrows(() => parseEvent(JSON.stringify({ ...EXEC_EXAMPLE, seq: Number.MAX_SAFE_INTEGER })));
});

test('a snapshot needs a number too', (t) => {
  const { seq: _, ...rest } = EXEC_EXAMPLE;
  t.is(refusal(t, { ...rest, source: 'snapshot' }, 'no seq').field, 'seq');
  t.notThrows(() => checkEvent({ ...EXEC_EXAMPLE, source: 'snapshot' }));
});

test('what is inside env and env_repeated is checked, and an exec that failed has none', (t) => {
  t.is(refusal(t, { ...EXEC_EXAMPLE, env: { A: 1 } }, 'a number').field, 'env');
  t.is(refusal(t, { ...EXEC_EXAMPLE, env: ['A=1'] }, 'a list').field, 'env');
  t.is(refusal(t, { ...EXEC_EXAMPLE, env_repeated: { A: 'x' } }, 'one text').field, 'env_repeated');
  t.is(refusal(t, { ...EXEC_EXAMPLE, env_truncated: false }, 'false').field, 'env_truncated');
  t.notThrows(() =>
    checkEvent({ ...EXEC_EXAMPLE, env: { A: '' }, env_repeated: { A: ['x', ''] }, env_truncated: true }),
  );
  t.deepEqual(
    Object.keys(EXEC_FAILED_FIELDS).filter((field) => field.startsWith('env')),
    [],
  );
});

test('what is inside parent, privileges, raw and ns is checked too', (t) => {
  t.is(refusal(t, { ...EXEC_EXAMPLE, parent: { start_time: 1 } }, 'parent without pid').field, 'parent');
  t.is(refusal(t, { ...EXEC_EXAMPLE, parent: { pid: 1, exe: null } }, 'null exe').field, 'parent');
  t.notThrows(() => checkEvent({ ...EXEC_EXAMPLE, parent: { pid: 1 } }));
  t.is(refusal(t, { ...EXEC_EXAMPLE, raw: { cwd: 1 } }, 'raw').field, 'raw');
  t.is(refusal(t, { ...EXEC_EXAMPLE, ns: { mnt: '4' } }, 'ns').field, 'ns');
  t.is(refusal(t, { ...FORK_EXAMPLE, parent: { pid: 1 } }, 'parent of a fork').field, 'parent');
  t.is(refusal(t, { ...EXEC_EXAMPLE, argv: ['a', 1] }, 'argv').field, 'argv');
  t.is(
    refusal(t, { ...EXEC_EXAMPLE, argv_truncated: false }, 'argv_truncated is true or absent').field,
    'argv_truncated',
  );
  const windows = { user_sid: 'S-1-5-18', integrity_level: 'system', token_privileges: ['SeChangeNotifyPrivilege'] };
  t.notThrows(() => checkEvent({ ...HELLO_EXAMPLE, privileges: windows }));
  t.is(refusal(t, { ...HELLO_EXAMPLE, privileges: { ...windows, user_sid: 1 } }, 'user_sid').field, 'privileges');
  for (const key of Object.keys(HELLO_EXAMPLE.privileges)) {
    const privileges = Object.fromEntries(Object.entries(HELLO_EXAMPLE.privileges).filter(([name]) => name !== key));
    t.regex(refusal(t, { ...HELLO_EXAMPLE, privileges }, key).message, new RegExp(`in "${key}"`));
  }
});

test('times are UTC with up to nine digits', (t) => {
  for (const time of ['2023-03-15T13:20:00Z', '2023-03-15T13:20:00.1Z', '2023-03-15T13:20:00.123456789Z']) {
    t.notThrows(() => checkEvent({ ...GAP_EXAMPLE, time }), time);
  }
  for (const time of [
    '2023-03-15T13:20:00+01:00',
    '2023-03-15T13:20:00.1234567890Z',
    '2023-03-15T13:20:00.Z',
    '2023-03-15',
    'x2023-03-15T13:20:00Z',
    '2023-03-15T13:20:00Z\n',
    1678886400,
  ]) {
    t.is(refusal(t, { ...GAP_EXAMPLE, time }, String(time)).field, 'time');
  }
});

test('an event of a type that is not known is passed on as it is', (t) => {
  for (const type of ['connect', '', 'constructor', '__proto__', 'EXEC']) {
    const event = parseEvent(JSON.stringify({ type, pid: 'anything' }));
    t.false(isKnown(event));
    t.deepEqual(event as unknown, { type, pid: 'anything' });
  }
});

test('isKnown is true for every type of this version', (t) => {
  for (const { example } of TYPES) t.true(isKnown(checkEvent(example)));
});

test('what is not a JSON object with a type is no event', (t) => {
  for (const line of [
    '',
    ' ',
    '{',
    '{"type":"exec"',
    'null',
    '[]',
    '[{"type":"gap"}]',
    '"exec"',
    '1',
    '{}',
    '{"type":1}',
    '{"type":null}',
    `${JSON.stringify(GAP_EXAMPLE)},`,
  ]) {
    t.throws(() => parseEvent(line), { instanceOf: EventError }, line);
  }
});

test('a line that nests a hundred thousand deep is refused like any other', (t) => {
  t.throws(() => parseEvent('['.repeat(100_000)), { instanceOf: EventError });
});

test('no JSON and no text makes the parser throw anything but an EventError', (t) => {
  const names = fc.constantFrom(...TYPES.map(({ name }) => name));
  const damaged = fc
    .tuple(
      fc.constantFrom(...TYPES),
      fc.dictionary(fc.constantFrom(...new Set(TYPES.flatMap(({ fields }) => fields))), fc.jsonValue()),
    )
    .map(([{ example }, changes]) => JSON.stringify({ ...example, ...changes }));
  const lines = fc.oneof(
    fc.json(),
    fc.string(),
    damaged,
    fc.tuple(names, fc.jsonValue()).map(([type, x]) => JSON.stringify({ type, ...Object(x) })),
  );
  fc.assert(
    fc.property(lines, (line) => {
      try {
        parseEvent(line);
      } catch (error) {
        t.true(error instanceof EventError, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});
