import test from 'ava';
import { DetectionCounters } from '../../../agent/detection/counters.ts';
import { Judge, timeOf } from '../../../agent/detection/judge.ts';
import { MAX_DROPPED_PROCESSES } from '../../../agent/detection/limits.ts';
import { suppressionsOf } from '../../../agent/detection/suppression.ts';
import { Enrichment } from '../../../agent/enrichment/enrichment.ts';
import type { Lookups } from '../../../agent/rules/fields/lookups.ts';
import { createMapper } from '../../../agent/rules/fields/mapper.ts';
import { filtersOf } from '../../../agent/rules/filter.ts';
import { Suppressor } from '../../../agent/rules/suppress.ts';
import type { ExecEvent } from '../../../shared/events/exec.ts';
import { EXIT_EXAMPLE } from '../../../shared/events/exit.ts';
import { FORK_EXAMPLE } from '../../../shared/events/fork.ts';
import { execEvent } from '../../support/fake-helper.ts';
import { load, ruleText } from '../rules/support.ts';
import { exec, gap, toItem } from '../support/items.ts';

/** Says which look-ups were set up, and fails on demand. */
class Watched extends Enrichment {
  needed: string[] = [];
  failing = false;

  constructor() {
    super({ live: false });
  }

  override lookups(needed: ReadonlySet<keyof Lookups>): Lookups {
    this.needed.push(...needed);
    return { ...super.lookups(needed), userName: (uid) => (this.failing ? bang() : `user${uid}`) };
  }
}
const bang = (): never => {
  throw new Error('a defect');
};

function setting(rules: string | undefined, filters: unknown[] = [], report?: string, maxSteps?: number) {
  const set = rules === undefined ? undefined : load(rules);
  const counters = new DetectionCounters();
  const enrichment = new Watched();
  enrichment.begin('boot');
  const failures: unknown[] = [];
  const overBudget: number[] = [];
  const judge = new Judge({
    filters: filtersOf(filters, 'test').filters,
    ...(set === undefined
      ? {}
      : {
          rules: {
            set,
            suppressions: suppressionsOf({ suppress: report === undefined ? [] : [{ report }] }, set).byRule,
          },
        }),
    platform: 'linux',
    enrichment,
    counters,
    suppressor: new Suppressor(),
    onFailure: (error) => failures.push(error),
    onOverBudget: ({ seq }) => overBudget.push(seq),
    ...(maxSteps === undefined ? {} : { maxSteps }),
  });
  return { judge, counters, enrichment, failures, overBudget };
}

const filter = (detection: object, action: string, name = action) => ({
  name,
  detection: { s: detection, condition: 's' },
  action,
});
const program = (seq: number, exe: string, more: Partial<ExecEvent> = {}) => toItem(execEvent(seq, { exe, ...more }));

test('without filters and rules that concern it, a batch goes on as it is', (t) => {
  const { judge } = setting(ruleText('s: {Image: /x}\ncondition: s'));
  const batch = [exec(1), gap(2, 3), toItem({ type: 'later', seq: 4 })];
  t.is(judge.judge(batch), batch);
});

test('the first filter that matches decides; what is dropped meets no rule; what is no exec meets no filter', (t) => {
  const { judge, counters } = setting(ruleText('s: {Image|startswith: /}\ncondition: s', 'id: all\n'), [
    filter({ User: 'user0' }, 'keep'),
    filter({ Image: '/cc1' }, 'drop'),
  ]);
  const out = judge.judge([
    program(1, '/cc1', { uid: 0 }),
    program(2, '/cc1'),
    program(3, '/ls'),
    gap(4, 9),
    toItem({ type: 'exec_failed', seq: 10, exe: '/cc1' }),
  ]);
  t.deepEqual(
    out.map(({ first, isAlert }) => [first, isAlert]),
    [
      [1, true],
      [3, true],
      [4, false],
      [10, false],
    ],
  );
  t.deepEqual(
    [...counters.filters],
    [
      ['keep', 1],
      ['drop', 1],
    ],
  );
  t.like(counters, { judged: 3, dropped: 1, alerts: 2 });
  t.deepEqual([...counters.rules], [['all', 2]]);
});

test('the end of a process that was dropped is dropped with it, and that of another is not', (t) => {
  const { judge, counters } = setting(undefined, [filter({ Image: '/cc1' }, 'drop')]);
  const end = (seq: number, pid: number, start_time: number) => toItem({ ...EXIT_EXAMPLE, seq, pid, start_time });
  const run = (seq: number, pid: number, start_time: number, exe: string) => program(seq, exe, { pid, start_time });
  const out = judge.judge([
    run(1, 10, 100, '/cc1'),
    end(2, 10, 100),
    run(3, 20, 100, '/cc1'),
    run(4, 20, 100, '/ls'),
    end(5, 20, 100),
    run(6, 30, 100, '/ls'),
    run(7, 30, 100, '/cc1'),
    end(8, 30, 100),
    run(9, 40, 100, '/cc1'),
    end(10, 40, 999),
    end(11, 50, 100),
  ]);
  t.deepEqual(
    out.map(({ first }) => first),
    [4, 5, 6, 10, 11],
  );
  t.is(counters.dropped, 6);
});

test('what a process ran last counts, however much was dropped in between; and what is remembered of that is bounded', (t) => {
  const { judge } = setting(undefined, [filter({ Image: '/cc1' }, 'drop')]);
  const run = (pid: number, exe: string) => judge.judge([program(pid, exe, { pid, start_time: 1 })]).length;
  const end = (pid: number) => judge.judge([toItem({ ...EXIT_EXAMPLE, pid, start_time: 1 })]).length;
  run(1, '/cc1');
  run(2, '/cc1');
  const others = (from: number, count: number) => Array.from({ length: count }, (_, i) => run(from + i, '/cc1'));
  others(10, MAX_DROPPED_PROCESSES / 2);
  run(1, '/ls');
  t.is(end(1), 1);
  t.is(end(2), 0);
  others(100_000, MAX_DROPPED_PROCESSES);
  t.is(end(2), 1, 'forgotten');
});

test('only what is read is looked up', (t) => {
  t.deepEqual(setting(ruleText('s: {Image: /x}\ncondition: s')).enrichment.needed, []);
  t.deepEqual(setting(ruleText('s: {User: x, Hashes|contains: y}\ncondition: s')).enrichment.needed.toSorted(), [
    'digests',
    'userName',
  ]);
  t.deepEqual(setting(undefined, [filter({ ParentCommandLine: 'x' }, 'drop')]).enrichment.needed, [
    'parentCommandLine',
  ]);
  t.deepEqual(setting(ruleText('s: [x]\ncondition: s')).enrichment.needed, [], 'a keyword looks at what is there');
  t.true(setting(undefined, [filter({ ParentCommandLine: 'x' }, 'drop')]).judge.needsTree);
  t.false(setting(undefined, [filter({ Image: 'x' }, 'drop')]).judge.needsTree);
});

test('a keyword finds any value of the event, by whatever name', (t) => {
  const { judge } = setting(ruleText('s: [secret]\ncondition: s'));
  t.deepEqual(
    judge
      .judge([
        program(1, '/ls', { cwd: '/home/secret' }),
        program(2, '/ls', { argv: ['ls', 'my-secret'] }),
        program(3, '/ls'),
      ])
      .map(({ isAlert }) => isAlert),
    [true, true, false],
  );
});

test('an event that a defect keeps from being judged goes on as it is, and is counted', (t) => {
  const { judge, counters, enrichment, failures } = setting(ruleText('s: {User: user1}\ncondition: s'));
  enrichment.failing = true;
  const batch = [program(1, '/ls'), program(2, '/ls')];
  t.is(judge.judge(batch), batch);
  t.is(counters.failed, 2);
  t.is(failures.length, 2);
});

test('an event that would take too long to judge goes on as it is, and is counted and told; the next is judged', (t) => {
  const rule = ruleText('s: {CommandLine|contains: evil}\ncondition: s');
  const costly = program(1, '/ls', { argv: ['ls', 'evil'.padEnd(5000, 'x')] });
  const cheap = program(2, '/ls', { argv: ['ls', 'evil'] });
  const { judge, counters, overBudget, failures } = setting(rule, [], undefined, 1000);
  const out = judge.judge([costly, cheap]);
  t.is(out[0], costly);
  t.deepEqual(
    out.map(({ isAlert }) => isAlert),
    [false, true],
  );
  t.like(counters, { judged: 2, unjudged: 1, failed: 0, alerts: 1 });
  t.deepEqual([overBudget, failures], [[1], []]);
  const { judge: filter_, counters: counted } = setting(
    undefined,
    [filter({ 'CommandLine|contains': 'evil' }, 'drop')],
    undefined,
    1000,
  );
  t.deepEqual(filter_.judge([costly, cheap]), [costly], 'what is not judged is not dropped');
  t.like(counted, { unjudged: 1, dropped: 1 });
});

test('an alert on a path that is cut says so; a filter drops what certainly matches alone', (t) => {
  const text = ruleText('s: {Image|startswith: /tmp/}\ncondition: s');
  const cut = { exe: 'd/d/prog', flags: ['exe_truncated'], filename: './prog' };
  const isAlert = (more: Partial<ExecEvent>, ...filters: unknown[]): (boolean | undefined)[] =>
    setting(text, filters)
      .judge.judge([program(1, '', { ...cut, ...more })])
      .map(({ event }) => (event as { image_truncated?: boolean }).image_truncated);
  t.deepEqual(isAlert({}), [true]);
  t.deepEqual(isAlert({}, filter({ 'Image|startswith': '/usr/' }, 'drop')), [true]);
  t.deepEqual(isAlert({}, filter({ 'Image|endswith': '/prog' }, 'drop')), []);
  t.deepEqual(
    isAlert({}, filter({ 'Image|startswith': '/usr/' }, 'keep'), filter({ 'Image|endswith': '/prog' }, 'drop')),
    [true],
  );
  const { judge } = setting(text);
  const [whole, other] = judge.judge([
    program(1, '', { ...cut, filename: '/tmp/d/d/prog' }),
    program(2, '', { ...cut, filename: '/opt/d/d/prog' }),
  ]);
  t.true(whole!.isAlert);
  t.false('image_truncated' in whole!.event, 'the path that was asked for is the image');
  t.false(other!.isAlert);
});

test('an alert is the event, what is known of its process, and its rules', (t) => {
  const { judge } = setting(
    ruleText('s: {ParentCommandLine: web --serve, User: user5}\ncondition: s', 'id: a\nauthor: Ada\nlevel: low\n'),
  );
  const server = execEvent(1, {
    pid: 7,
    start_time: 70,
    exe: '/web',
    argv: ['web', '--serve'],
    parent: { pid: 1, start_time: 1, exe: '/init' },
  });
  const shell = execEvent(2, {
    pid: 9,
    start_time: 90,
    uid: 5,
    exe: '/sh',
    parent: { pid: 7, start_time: 70, exe: '/web' },
  });
  const [, alert] = judge.judge([toItem(server), toItem(shell)]);
  const expected = {
    ...shell,
    entity_id: 'boot/9/90',
    ancestors: [
      { pid: 7, entity_id: 'boot/7/70', exe: '/web', command_line: 'web --serve' },
      { pid: 1, entity_id: 'boot/1/1', exe: '/init' },
    ],
    rules: [{ id: 'a', title: 'Test', level: 'low', author: 'Ada', tags: [] }],
  };
  t.deepEqual(alert!.event as object, expected);
  t.deepEqual(JSON.parse(alert!.line) as object, expected);
  t.is(alert!.bytes, Buffer.byteLength(alert!.line) + 1);
});

test('suppression is for each rule and group; an event of which every rule is held back is no alert', (t) => {
  const two = `${ruleText('s: {Image: /a}\ncondition: s', 'id: a\n')}---\n${ruleText('s: {CommandLine|contains: x}\ncondition: s', 'id: x\n')}`;
  const { judge, counters } = setting(two, [], 'once per 1m per CurrentDirectory');
  const at = (seq: number, cwd: string, argv: string[]) => program(seq, '/a', { cwd, argv });
  const out = judge.judge([at(1, '/1', ['-']), at(2, '/1', ['-']), at(3, '/1', ['x']), at(4, '/2', ['-'])]);
  t.deepEqual(
    out.map(({ event }) => ((event as { rules?: Array<{ id: string }> }).rules ?? []).map(({ id }) => id)),
    [['a'], [], ['x'], ['a']],
  );
  t.like(counters, { suppressed: 2, alerts: 3 });
});

test('the time of an event is its own, to the millisecond', (t) => {
  t.is(timeOf({ timestamp: 1678886400, time: '2023-03-15T13:20:00.123456789Z' }), 1678886400123);
  t.is(timeOf({ timestamp: 1678886400, time: '2023-03-15T13:20:00Z' }), 1678886400000);
  t.is(timeOf({ timestamp: 1678886400, time: '2023-03-15T13:20:00.5Z' }), 1678886400500);
});

const ID = 'cd'.repeat(32);
const inDocker = (seq: number, more: Partial<ExecEvent> = {}) =>
  toItem(execEvent(seq, { cgroup: `/system.slice/docker-${ID}.scope`, ...more }));

test('rules and filters read the container, and need no tree for that', (t) => {
  const rule = ruleText('s: {container.runtime: docker, container.id|startswith: cdcd}\ncondition: s');
  const { judge } = setting(rule);
  const out = judge.judge([inDocker(1), toItem(execEvent(2, { cgroup: '/user.slice' })), toItem(execEvent(3))]);
  t.deepEqual(
    out.map(({ isAlert }) => isAlert),
    [true, false, false],
  );
  const onHost = { detection: { s: { 'container.id': null }, condition: 's' }, action: 'drop' };
  const filters = setting(undefined, [onHost]).judge;
  t.false(filters.needsTree);
  t.is(filters.judge([toItem(execEvent(1, { cgroup: '/user.slice' }))]).length, 0);
  t.is(filters.judge([inDocker(2)]).length, 1);
});

test('a control group so deep that its container is cut off hides nothing', (t) => {
  const deep = (more: Partial<ExecEvent> = {}) =>
    toItem(execEvent(1, { cgroup: 'd/d/d', flags: ['cgroup_truncated'], ...more }));
  const alerts = (search: string) =>
    setting(ruleText(`s: {${search}}\ncondition: s`)).judge.judge([deep()])[0]!.isAlert;
  t.true(alerts('container.runtime: docker'));
  t.true(alerts("container.id: '*'"));
  const onHost = { detection: { s: { 'container.id': null }, condition: 's' }, action: 'drop' };
  t.is(setting(undefined, [onHost]).judge.judge([deep()]).length, 1, 'not dropped as one of the host');
  t.false(alerts('Image: /bin/none'), 'fields that are whole decide as always');
});

const forkItem = (seq: number, pid: number, parent: number) =>
  toItem({ ...FORK_EXAMPLE, seq, pid, start_time: pid, ppid: parent, parent: { pid: parent, start_time: parent } });
const exitItem = (seq: number, pid: number) => toItem({ ...EXIT_EXAMPLE, seq, pid, start_time: pid });

test('a dropped program takes the forks of its process with it, and their ends; an exec decides anew', (t) => {
  const noise = { detection: { s: { 'Image|endswith': '/make' }, condition: 's' }, action: 'drop' };
  const { judge, counters } = setting(undefined, [noise]);
  const run = (seq: number, pid: number, exe: string) => toItem(execEvent(seq, { pid, start_time: pid, exe }));
  const kept = judge.judge([
    run(1, 10, '/bin/make'),
    forkItem(2, 20, 10),
    forkItem(3, 30, 20),
    exitItem(4, 30),
    forkItem(5, 40, 10),
    run(6, 40, '/bin/sh'),
    forkItem(7, 50, 40),
    exitItem(8, 50),
    exitItem(9, 40),
    exitItem(10, 20),
    exitItem(11, 10),
    forkItem(12, 60, 99),
  ]);
  t.deepEqual(
    kept.map(({ first }) => first),
    [6, 7, 8, 9, 12],
  );
  t.is(counters.dropped, 7);
});

test("forks make an alert's ancestors whole, and alerts are about execs alone", (t) => {
  const { judge } = setting(ruleText('s: {Image|endswith: /evil}\ncondition: s'));
  const shell = execEvent(1, { pid: 10, start_time: 10, exe: '/bin/bash', argv: ['bash'], parent: { pid: 1 } });
  const evil = { pid: 30, start_time: 30, exe: '/tmp/evil', parent: { pid: 20, start_time: 20, exe: '/bin/bash' } };
  const [, fork, alert] = judge.judge([toItem(shell), forkItem(2, 20, 10), toItem(execEvent(3, evil))]);
  t.false(fork!.isAlert);
  const { ancestors } = alert!.event as unknown as { ancestors: { pid: number }[] };
  t.deepEqual(
    ancestors.map(({ pid }) => pid),
    [20, 10, 1],
  );
});

test("rules read a container's name where its engine has said it, and lines that were recorded say it themselves", (t) => {
  const fields = new Set(['container.name', 'container.image', 'container.id']);
  const needed = new Set(['container'] as const);
  const event = execEvent(1, { cgroup: `/system.slice/docker-${ID}.scope` });
  const of = (enrichment: Enrichment, recordedEvent: ExecEvent) =>
    createMapper({ platform: 'linux', fields, lookups: enrichment.lookups(needed) })(recordedEvent);
  const named = new Enrichment({
    live: true,
    containerNames: { of: ({ id }) => (id === ID ? { name: 'web' } : undefined) },
  });
  t.deepEqual(of(named, event), { 'container.id': ID, 'container.name': 'web' });
  t.deepEqual(of(named, execEvent(2, { cgroup: '/lxc.payload.c1' })), { 'container.id': 'c1' });
  const recorded = { ...event, container: { id: ID, name: 'web', image: 'nginx' } };
  const asItWas = new Enrichment({ live: false });
  t.deepEqual(of(asItWas, recorded), { 'container.id': ID, 'container.name': 'web', 'container.image': 'nginx' });
  for (const container of [null, 7, 'x', { name: 7 }])
    t.deepEqual(of(asItWas, { ...event, container } as ExecEvent), { 'container.id': ID });
});

test('an alert has its container, and one outside of containers has none', (t) => {
  const { judge } = setting(ruleText('s: {Image|contains: /}\ncondition: s'));
  const exe = '/bin/x';
  const out = judge.judge([inDocker(1, { exe }), toItem(execEvent(2, { exe, cgroup: '/user.slice' }))]);
  t.deepEqual(
    out.map(({ event }) => (event as { container?: unknown }).container),
    [{ id: ID, runtime: 'docker' }, undefined],
  );
});
