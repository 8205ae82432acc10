import test from 'ava';
import { SelectionError, selectionOf } from '../../../agent/control/selection.ts';
import { FLAG } from '../../../agent/delivery/log/memory-segment.ts';
import type { RecentLine } from '../../../agent/recent/recent.ts';

const NOW = Date.parse('2026-11-29T10:00:00Z');
const EXEC = {
  type: 'exec',
  seq: 7,
  time: '2026-11-29T09:59:00.000000000Z',
  timestamp: 1_795_946_340,
  pid: 70,
  command: '/usr/bin/curl -s http://x',
  exe: '/usr/bin/curl',
  argv: ['curl', '-s', 'http://x'],
  uid: 1000,
  container_id: 'ab12cd',
  parent: { pid: 60, start_time: 1, exe: '/usr/bin/bash' },
};

function lineOf(event: object, flags = 0): RecentLine {
  const memory = Buffer.from(`${JSON.stringify(event)}\n`);
  return { memory, start: 0, end: memory.length, flags };
}

const wants = (query: string, event: object = EXEC, flags = 0): boolean =>
  selectionOf(new URLSearchParams(query), NOW).wants(lineOf(event, flags));

const of = (parameters: Record<string, string>): string => new URLSearchParams(parameters).toString();

test('without parameters everything is wanted, gaps included', (t) => {
  t.true(wants(''));
  t.true(wants('', { type: 'gap', first: 1, last: 2, count: 2 }, FLAG.gap));
});

for (const [filter, expected] of [
  ['Image|endswith: /curl', true],
  ['Image|endswith: /wget', false],
  ['{Image|endswith: /curl, ParentImage|endswith: /bash}', true],
  ['{Image|endswith: /curl, ParentImage|endswith: /zsh}', false],
  ['[{Image|endswith: /wget}, {CommandLine|contains: "-s"}]', true],
  ['http://x', true],
  ['{a: {Image|endswith: /curl}, b: {CommandLine|contains: evil}, condition: a and not b}', true],
  ['{a: {Image|endswith: /curl}, b: {CommandLine|contains: "-s"}, condition: a and not b}', false],
  ['container_id|startswith: ab', true],
] as const)
  test(`the filter ${filter} ${expected ? 'takes' : 'leaves'} the event`, (t) => {
    t.is(wants(of({ filter })), expected);
  });

test('user, container, alerts and rule', (t) => {
  t.true(wants('user=1000'));
  t.false(wants('user=0'));
  t.true(wants('container=ab12'));
  t.false(wants('container=b1'));
  t.false(wants('alerts=1'));
  const alert = { ...EXEC, rules: [{ id: 'one', title: 'Download by curl' }] };
  t.true(wants('alerts=1', alert, FLAG.alert));
  t.true(wants(of({ rule: 'one' }), alert, FLAG.alert));
  t.true(wants(of({ rule: 'Download by curl' }), alert, FLAG.alert));
  t.false(wants(of({ rule: 'two' }), alert, FLAG.alert));
  t.false(wants(of({ rule: 'one', user: '0' }), alert, FLAG.alert), 'all have to hold');
});

test("a container is chosen by its id, its name, its pod's uid or its runtime", (t) => {
  const id = 'cd'.repeat(32);
  const pod = { ...EXEC, cgroup: `/kubepods/burstable/podab-12/crio-${id}`, container_id: id };
  for (const chosen of ['cdcd', id, 'ab-1', 'cri-o']) t.true(wants(of({ container: chosen }), pod), chosen);
  for (const other of ['d', 'cri', 'b-12', 'docker']) t.false(wants(of({ container: other }), pod), other);
  const named = { ...EXEC, cgroup: '/lxc.payload.web 1/init.scope' };
  for (const chosen of ['web 1', 'we', 'lxc', 'ab12']) t.true(wants(of({ container: chosen }), named), chosen);
  t.false(wants('container=podman', { type: 'gap', first: 1, last: 2, count: 2 }, FLAG.gap));
});

test('a filter reads the container', (t) => {
  const event = { ...EXEC, cgroup: `/system.slice/docker-${'cd'.repeat(32)}.scope` };
  t.true(wants(of({ filter: 'container.runtime: docker' }), event));
  t.false(wants(of({ filter: 'container.runtime: podman' }), event));
  t.true(wants(of({ filter: '{a: {container.id: null}, condition: not a}' }), event));
});

test('since, follow and rate', (t) => {
  const { since, follow, rate } = selectionOf(new URLSearchParams('since=10m&follow=0&rate=50'), NOW);
  t.deepEqual([since, follow, rate], [NOW - 600_000, false, 50]);
  const plain = selectionOf(new URLSearchParams(), NOW);
  t.deepEqual([plain.since, plain.follow, plain.rate], [undefined, true, undefined]);
});

for (const [query, reason] of [
  ['colour=red', /^colour: there are filter, rule/],
  ['user=1&user=2', /^user: given more than once$/],
  ['user=root', /^user: expected a number from 0 to 4294967295, got "root"$/],
  ['rate=0', /^rate: expected a number from 1/],
  ['rate=1e9', /^rate: expected a number/],
  ['alerts=yes', /^alerts: expected 1 or 0, got "yes"$/],
  ['since=10', /^since: expected a duration with its unit/],
  ['container=', /^container: expected the beginning of a container's id, name or pod uid, or a runtime/],
  [`container=${'a'.repeat(256)}`, /^container: expected the beginning/],
  [of({ filter: '' }), /^filter: expected a Sigma search/],
  [of({ filter: 'Image|endswiht: /curl' }), /endswiht.*did you mean/s],
  [of({ filter: '{a: [' }), /not valid YAML/],
  [of({ filter: '{a: {Image: x}, condition: b}' }), /\bb\b/],
  [of({ filter: 'x'.repeat(5000) }), /^filter: longer than 4096 characters$/],
  [of({ filter: '---\nImage: a\n---\nImage: b\n' }), /^filter: expected a Sigma search/],
] as const)
  test(`${query.slice(0, 40)} is refused, and why`, (t) => {
    const error = t.throws(() => selectionOf(new URLSearchParams(query), NOW), { instanceOf: SelectionError });
    t.regex(error.message, reason);
  });
