import test from 'ava';
import { containerId, joined } from '../../../../helper/linux/source/paths.ts';

const ID = '3f4a'.repeat(16);
const OTHER = '9b'.repeat(32);

test('the engines spell a container in these ways', (t) => {
  const spellings = [
    `/system.slice/docker-${ID}.scope`,
    `/docker/${ID}`,
    `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope`,
    `/machine.slice/libpod-${ID}.scope/container`,
    `/libpod_parent/libpod-${ID}`,
    `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1a2b_3c.slice/cri-containerd-${ID}.scope`,
    `/kubepods/burstable/pod5c/${ID}`,
    `/system.slice/containerd.service/kubepods-burstable-pod5c.slice:cri-containerd:${ID}`,
    `/kubepods.slice/kubepods-pod1.slice/crio-${ID}.scope`,
    `/kubepods/pod1/crio-${ID}`,
    `/ecs/0123456789abcdef0123456789abcdef/${ID}`,
    `/docker/${ID}/init.scope`,
  ];
  for (const cgroup of spellings) t.is(containerId(cgroup), ID, cgroup);
});

test('of containers within one another the innermost is named', (t) => {
  t.is(containerId(`/docker/${OTHER}/docker/${ID}`), ID);
});

test('other cgroups are no containers', (t) => {
  for (const cgroup of [
    '/',
    '',
    '/user.slice/user-1000.slice/session-3.scope',
    '/system.slice/ssh.service',
    `/x/${ID.slice(1)}`,
    `/x/${ID}0`,
    `/x/${ID.toUpperCase()}`,
    `/x/${ID}.slice`,
    `/x/a${ID}`,
  ]) {
    t.is(containerId(cgroup), undefined, cgroup);
  }
});

const path = (components: string, whole = true): string => joined(components, whole);

test('components from the leaf up become an absolute path', (t) => {
  t.is(path('env\0bin\0usr\0'), '/usr/bin/env');
  t.is(path(''), '/');
});

test('a path whose root end is missing begins with a component', (t) => {
  t.is(path('env\0bin\0', false), 'bin/env');
  t.is(path('', false), '');
});

test('bytes that are not text stay as they are', (t) => {
  t.is(path('\xff\0a\0'), '/a/\xff');
});
