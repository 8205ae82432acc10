import test from 'ava';
import { containerFactOf, heldContainers } from '../../../../agent/enrichment/containers/fact.ts';
import { MAX_CGROUP_BYTES, MAX_CGROUPS } from '../../../../agent/enrichment/limits.ts';

test('the container of an event is that of its control group, looked up once', (t) => {
  const event = { cgroup: `/system.slice/docker-${'ab'.repeat(32)}.scope` };
  const fact = containerFactOf(event);
  t.deepEqual(fact, { id: 'ab'.repeat(32), runtime: 'docker' });
  t.is(containerFactOf({ ...event }), fact);
});

test('an event without a control group, or outside of containers, has none', (t) => {
  t.is(containerFactOf({}), undefined);
  t.is(containerFactOf({ cgroup: '/user.slice' }), undefined);
  t.is(containerFactOf({ cgroup: '/user.slice' }), undefined, 'remembered as none');
});

test('what is remembered is bounded in entries and in bytes', (t) => {
  for (let i = 0; i < MAX_CGROUPS * 2; i++) containerFactOf({ cgroup: `/lxc.payload.${i}` });
  t.true(heldContainers().entries <= MAX_CGROUPS);
  const long = 'x'.repeat(100_000);
  for (let i = 0; i < 100; i++) containerFactOf({ cgroup: `/${i}/${long}` });
  t.true(heldContainers().bytes <= MAX_CGROUP_BYTES);
});
