import test from 'ava';
import fc from 'fast-check';
import { entityId } from '../../../agent/events/entity-id.ts';
import { Item, itemOf, type StreamEvent } from '../../../agent/events/item.ts';
import { formatOf } from '../../../agent/formats/choice.ts';
import type { MappingName } from '../../../agent/formats/config.ts';
import type { Identity } from '../../../agent/formats/identified.ts';
import type { Platform } from '../../../agent/values/platform.ts';
import { MAX_LINE_BYTES } from '../../../shared/protocol/limits.ts';
import { EXEC_EXAMPLE } from '../../../shared/events/exec.ts';
import { problemsOfEcs, SKIPPED as NO_ECS } from './support/ecs-schema.ts';
import { anyEvent, anyPlatform, GOLDEN, RULES, RUNS } from './support/events.ts';
import { problemsOfOcsf, SKIPPED as NO_OCSF } from './support/ocsf-schema.ts';
import { fromEcs, fromOcsf } from './support/restore.ts';

type Line = Record<string, unknown>;

const IDENTITY: Identity = { hostId: 'a'.repeat(32), host: 'wal"rus', stream: 'so"c' };
const CONTEXT = { bootId: 'boot', seal: 7 };

const formats = new Map<string, Awaited<ReturnType<typeof formatFor>>>();
const formatFor = (name: MappingName, platform: Platform) => formatOf(name, { ...IDENTITY, platform });
for (const name of ['ecs', 'ocsf'] as const)
  for (const platform of ['linux', 'macos', 'windows'] as const)
    formats.set(name + platform, await formatFor(name, platform));

function write(name: MappingName, platform: Platform, event: StreamEvent, context: object = CONTEXT): Line {
  const line = formats.get(name + platform)!.encode(itemOf(event), context as typeof CONTEXT);
  if (line.includes('\n')) throw new Error('a newline within a line');
  return JSON.parse(line) as Line;
}

/** The event that has to come back: `fromEcs` says what cannot be told apart. */
function expected(event: StreamEvent, isOcsf: boolean): Line {
  const fields = structuredClone(event) as unknown as Line;
  const { type, parent, ppid, filename, uid, user_sid: sid, start_time: start } = fields;
  if (type === 'exec') fields['exe'] ??= filename;
  const { pid = ppid, ...of } = (parent ?? {}) as Line;
  if (pid !== undefined) Object.assign(fields, { parent: { pid, ...of }, ppid: ppid ?? pid });
  const isCommand = ['exec', 'exec_failed'].includes(type as string);
  if (isCommand && start !== undefined)
    fields['entity_id'] ??= entityId(CONTEXT.bootId, fields['pid'] as number, start as number);
  // An id without 64 digits stands where others have `container_id`.
  const { id: container, ...ofContainer } = (isCommand ? (fields['container'] ?? {}) : {}) as Line;
  if ([container, ...Object.values(ofContainer)].every((part) => typeof part === 'string'))
    fields['container_id'] ??= container;
  if (isOcsf && isCommand) {
    fields['uid_or_sid'] = sid ?? (uid === undefined ? undefined : String(uid));
    if (sid === undefined) delete fields['uid'];
    delete fields['user_sid'];
  }
  return JSON.parse(JSON.stringify(fields)) as Line;
}

function withoutEmptyParent(event: Line): Line {
  const { parent, ...rest } = event;
  return parent === undefined || Object.keys(parent as object).length === 0 ? rest : event;
}

const restored = { ecs: fromEcs, ocsf: fromOcsf } as const;

for (const name of ['ecs', 'ocsf'] as const) {
  for (const { title, platform, event } of GOLDEN)
    test(`${name}: nothing is lost of ${title}`, (t) => {
      const line = write(name, platform, event);
      t.deepEqual(withoutEmptyParent(restored[name](line)), expected(event, name === 'ocsf'));
    });

  test(`${name}: nothing is lost of ${RUNS} events of any kind, and an event is always written the same`, (t) => {
    fc.assert(
      fc.property(anyEvent, anyPlatform, (event, platform) => {
        const line = write(name, platform, event);
        t.deepEqual(withoutEmptyParent(restored[name](line)), expected(event, name === 'ocsf'));
        t.deepEqual(write(name, platform, event), line);
      }),
      { numRuns: RUNS, seed: 14 },
    );
    t.pass();
  });
}

(NO_ECS === '' ? test : test.skip)(`${NO_ECS}every field and type of the golden events is one of ECS`, (t) => {
  for (const { title, platform, event } of GOLDEN)
    for (const context of [CONTEXT, { bootId: undefined }])
      t.deepEqual(problemsOfEcs(write('ecs', platform, event, context)), [], title);
});

(NO_ECS === '' ? test : test.skip)(`${NO_ECS}so is every one of ${RUNS} events of any kind`, (t) => {
  fc.assert(
    fc.property(anyEvent, anyPlatform, (event, platform) => {
      t.deepEqual(problemsOfEcs(write('ecs', platform, event)), []);
    }),
    { numRuns: RUNS, seed: 15 },
  );
  t.pass();
});

(NO_OCSF === '' ? test : test.skip)(`${NO_OCSF}every golden event fits the schema of its class of OCSF`, (t) => {
  for (const { title, platform, event } of GOLDEN)
    for (const context of [CONTEXT, { bootId: undefined }])
      t.is(problemsOfOcsf(write('ocsf', platform, event, context)), undefined, title);
});

(NO_OCSF === '' ? test : test.skip)(`${NO_OCSF}so does every one of ${RUNS} events of any kind`, (t) => {
  fc.assert(
    fc.property(anyEvent, anyPlatform, (event, platform) => {
      t.is(problemsOfOcsf(write('ocsf', platform, event)), undefined);
    }),
    { numRuns: RUNS, seed: 16 },
  );
  t.pass();
});

const HOSTILE = {
  '2 MB of arguments': { ...EXEC_EXAMPLE, command: `/x ${'a'.repeat(2_000_000)}`, argv: ['/x', 'a'.repeat(2_000_000)] },
  '2 MB of control characters': { ...EXEC_EXAMPLE, argv: ['\u0001'.repeat(2_000_000)] },
  '100,000 arguments': { ...EXEC_EXAMPLE, argv: Array.from({ length: 100_000 }, (_, i) => String(i)) },
  '100,000 empty arguments': { ...EXEC_EXAMPLE, argv: Array.from({ length: 100_000 }, () => '') },
  'bytes in all arguments': {
    ...EXEC_EXAMPLE,
    argv: Array.from({ length: 1000 }, () => '\uFFFD'),
    raw: Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`argv[${i}]`, '/w=='])),
  },
  'halves of characters': { ...EXEC_EXAMPLE, command: '\uD83D', cwd: '\uDE00' },
  'no parent': { ...EXEC_EXAMPLE, parent: undefined, ppid: undefined },
  'a parent of which only the pid is known': { ...EXEC_EXAMPLE, parent: { pid: 0 } },
  'names that objects have': { ...EXEC_EXAMPLE, later: JSON.parse('{"__proto__":{"a":1},"constructor":2}') as object },
};

for (const [what, fields] of Object.entries(HOSTILE))
  test(`${what}: nothing is lost and all fits`, (t) => {
    const event = JSON.parse(JSON.stringify(fields)) as StreamEvent;
    const [ecs, ocsf] = [write('ecs', 'linux', event), write('ocsf', 'linux', event)];
    t.deepEqual(withoutEmptyParent(fromEcs(ecs)), expected(event, false));
    t.deepEqual(withoutEmptyParent(fromOcsf(ocsf)), expected(event, true));
    if (NO_ECS === '') t.deepEqual(problemsOfEcs(ecs), []);
    if (NO_OCSF === '') t.is(problemsOfOcsf(ocsf), undefined);
  });

test('the longest line that the helper can send is written in less than twice its bytes and a little', (t) => {
  const argument = 'a'.repeat(MAX_LINE_BYTES / 2 - 1000);
  const event = { ...EXEC_EXAMPLE, command: argument, argv: [argument] } as StreamEvent;
  // Each argument a byte that is no UTF-8: nothing grows more.
  const argv = Array.from({ length: MAX_LINE_BYTES / 32 }, () => '\uFFFD');
  const raw = Object.fromEntries(argv.map((_, i) => [`argv[${i}]`, '/w==']));
  for (const longest of [event, { ...EXEC_EXAMPLE, argv, raw } as StreamEvent]) {
    const bytes = Buffer.byteLength(JSON.stringify(longest));
    t.true(bytes > 0.8 * MAX_LINE_BYTES && bytes < 1.1 * MAX_LINE_BYTES, String(bytes));
    for (const name of ['ecs', 'ocsf'] as const)
      t.true(Buffer.byteLength(JSON.stringify(write(name, 'linux', longest))) < 2 * bytes, name);
  }
});

test('an event that cannot be written as it is, is written as text, with its number', (t) => {
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  const text = `{"type":"later","seq":5,"x":${deep}}`;
  const memory = Buffer.from(`${text}\n`);
  const item = () => new Item(memory, 0, memory.length, 5, 5);
  const ecs = JSON.parse(formats.get('ecslinux')!.encode(item(), CONTEXT)) as Line;
  t.like(ecs, { event: { original: text, sequence: 5, id: 'boot:5' }, probes: { seal: { number: 7 } } });
  const ocsf = JSON.parse(formats.get('ocsflinux')!.encode(item(), CONTEXT)) as Line;
  t.like(ocsf, { raw_data: text, metadata: { sequence: 5, uid: 'boot:5' }, unmapped: { seal: { number: 7 } } });
  if (NO_ECS === '') t.deepEqual(problemsOfEcs(ecs), []);
  if (NO_OCSF === '') t.is(problemsOfOcsf(ocsf), undefined);
});

test('an alert names the rule with the highest level, and the tactics and techniques of all', (t) => {
  const { event } = GOLDEN.find(({ title }) => title === 'an alert')!;
  t.like(write('ecs', 'linux', event), {
    event: { kind: 'alert', severity: 4 },
    rule: { id: 'two', name: 'High one', author: ['Ada, Bob'] },
    threat: {
      framework: 'MITRE ATT&CK',
      tactic: { id: ['TA0005', 'TA0005', 'TA0002'], name: ['Stealth', 'Defense Evasion', 'Execution'] },
      technique: { id: ['T1059', 'T1105'], subtechnique: { id: ['T1059.004'] } },
    },
    probes: { rules: RULES as unknown as object[] },
  });
  const finding = write('ocsf', 'linux', event);
  t.like(finding, { class_uid: 2004, type_uid: 200401, severity_id: 4, is_alert: true });
  t.deepEqual(finding['finding_info'], {
    uid: 'boot:7302118',
    title: 'High one',
    created_time: 1678886400123,
    analytic: { uid: 'two', name: 'High one', type_id: 1 },
    related_analytics: [
      { uid: 'one', name: 'Low one', type_id: 1 },
      { uid: 'three', name: 'Correlated', type_id: 1 },
    ],
    attacks: [
      { tactic: { uid: 'TA0005', name: 'Stealth' } },
      { tactic: { uid: 'TA0005', name: 'Defense Evasion' } },
      { tactic: { uid: 'TA0002', name: 'Execution' } },
      { technique: { uid: 'T1105' } },
      { technique: { uid: 'T1059' }, sub_technique: { uid: 'T1059.004' } },
    ],
  });
});

test('events of a process have one id of the process, and it is that of its exit', (t) => {
  const started = GOLDEN.find(({ title }) => title === 'an exec')!.event;
  const ended = GOLDEN.find(({ title }) => title === 'an exit')!.event;
  const forked = GOLDEN.find(({ title }) => title === 'a fork')!.event;
  for (const event of [started, ended, forked]) {
    t.like(write('ecs', 'linux', event), { process: { entity_id: 'boot/12345/7301999120' } });
    t.like(write('ocsf', 'linux', event), { process: { uid: 'boot/12345/7301999120' } });
  }
  t.like(write('ecs', 'linux', ended), {
    process: { start: '2023-03-15T13:20:00.123457417Z', end: '2023-03-15T13:20:03.000000417Z' },
    event: { duration: 2876543000 },
  });
  t.like(write('ecs', 'linux', forked), {
    event: { action: 'fork' },
    process: { start: '2023-03-15T13:20:00.122998001Z', parent: { entity_id: 'boot/12001/7203340118' } },
  });
  t.like(write('ocsf', 'linux', forked), {
    activity_id: 1,
    launch_type_id: 2,
    actor: { process: { uid: 'boot/12001/7203340118' } },
  });
});

test('what is no start of a program is not counted as one; a fork is the start of a process', (t) => {
  const kinds = new Map(
    GOLDEN.map(({ title, platform, event }) => [title, write('ecs', platform, event)['event'] as Line]),
  );
  for (const [title, { type, kind }] of kinds) {
    const isStart = /^an (?:exec|alert)|^a (?:process|fork)/u.test(title);
    t.is(JSON.stringify(type) === '["start"]', isStart, title);
    t.is(kind === 'pipeline_error', title.endsWith('gap'), title);
  }
});
