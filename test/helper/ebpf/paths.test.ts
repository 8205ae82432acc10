import test from 'ava';
import { containerId, Paths } from '../../../helper/ebpf/paths.ts';

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
  for (const cgroup of ['/', '', '/user.slice/user-1000.slice/session-3.scope', '/system.slice/ssh.service', `/x/${ID.slice(1)}`, `/x/${ID}0`, `/x/${ID.toUpperCase()}`, `/x/${ID}.slice`, `/x/a${ID}`]) {
    t.is(containerId(cgroup), undefined, cgroup);
  }
});

test('components from the leaf up become an absolute path', (t) => {
  const paths = new Paths();
  const bytes = Buffer.from('xxenv\0bin\0usr\0yy');
  t.deepEqual(paths.absolute(bytes, 2, 12, true), { json: '"/usr/bin/env"', raw: undefined });
  t.is(paths.absolute(bytes, 2, 12, true), paths.absolute(bytes, 2, 12, true), 'made once');
  t.deepEqual(paths.absolute(bytes, 2, 0, true), { json: '"/"', raw: undefined });
});

test('a path that is remembered does not change with the memory that it was read from', (t) => {
  const paths = new Paths();
  const bytes = Buffer.from([0xff, 0x00]);
  const { raw } = paths.absolute(bytes, 0, 2, true);
  bytes.fill(0x41);
  t.deepEqual(raw, Buffer.from([0x2f, 0xff]));
});
