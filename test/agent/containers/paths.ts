import type { Container } from '../../../agent/containers/container.ts';

/** Where a path was seen. */
type Row = readonly [source: string, cgroup: string, container: Container | undefined];

const A = '4d6afbcf669e6342da8864190234ace265dabc5d48cf57c19823fa0072f7cc92';
const B = '9687bac58d5c4d1606aa46af33d1a21c1d1652e0ac9fb3fc0fc86e3495f42869';
const KIND = '/system.slice/docker-fbc411e743aa89de421746b3fc92e4fa475d0f2dc92967fb39c2f78574799701.scope';
const KUBELET_IN_KIND = `${KIND}/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice`;
const BOTTLEROCKET =
  '/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-poddd1bf9d1_241d_47f5_8e25_12de83135812.slice';
const CGROUPFS_POD = '/kubepods/besteffort/podf8a694f2-7c08-11e9-98da-000c29077430';
const QUADLET = '/user.slice/user-1000.slice/user@1000.service/app.slice/redis.service';
const POD = { pod_uid: 'dd1bf9d1-241d-47f5-8e25-12de83135812', qos: 'besteffort' } as const;

/**
 * Paths of control groups as machines have them, and what they mean. The source is the test, document or code of a project that
 * has the path, or makes it; where it makes it, the ids are ours.
 */
export const PATHS: readonly Row[] = [
  // Docker
  [
    'neuvector, share/system/cgroup_test.go',
    `/docker/31cb02944da7a12196a193cf0e0f6c226d7c453a1db62e65ba98287593a2ee30`,
    { id: '31cb02944da7a12196a193cf0e0f6c226d7c453a1db62e65ba98287593a2ee30', runtime: 'docker' },
  ],
  [
    'neuvector, share/system/cgroup_test.go',
    '/system.slice/docker-9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d.scope',
    { id: '9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d', runtime: 'docker' },
  ],
  [
    'neuvector, share/system/cgroup_test.go: no parent',
    '/4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970',
    { id: '4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970' },
  ],
  [
    'Docker in Docker: neuvector, share/system/cgroup_test.go',
    '/docker/a9a5ad238e59234193ee7ec3fcff5e735b3708ea1068826952255b69e3cfa413/docker/ec08435e04266c5ba381fccbb829f626d11d8ddf5f8f547263c7a2d79ab4787a',
    { id: 'ec08435e04266c5ba381fccbb829f626d11d8ddf5f8f547263c7a2d79ab4787a', runtime: 'docker' },
  ],
  [
    'rootless: systemd user manager',
    `/user.slice/user-1000.slice/user@1000.service/user.slice/docker-${A}.scope`,
    { id: A, runtime: 'docker' },
  ],
  ['systemd in the container', `/docker/${A}/system.slice/ssh.service`, { id: A, runtime: 'docker' }],
  [
    'Docker with native.cgroupdriver=systemd and cgroupfs mixed: chainguard osquery-defense-kit',
    `/system.slice/system.slice:docker:${A}`,
    { id: A, runtime: 'docker' },
  ],
  [
    'a build: /proc/1/cgroup of a RUN step',
    '/docker/buildkit/n4eu0udvbz9vfzjy71jkvgkwh',
    { id: 'n4eu0udvbz9vfzjy71jkvgkwh', runtime: 'docker' },
  ],
  ['Amazon ECS: docker run --cgroup-parent', `/ecs/0123456789abcdef0123456789abcdef/${A}`, { id: A }],
  // containerd
  ['ctr: falcosecurity/libs, containerd.cpp', `/default/${A}`, { id: A, runtime: 'containerd' }],
  [
    'crictl without a kubelet: falcosecurity/libs, container_parser_cri_containerd.ut.cpp',
    '/k8s.io/3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e',
    { id: '3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e', runtime: 'containerd' },
  ],
  ['nerdctl', `/system.slice/nerdctl-${A}.scope`, { id: A, runtime: 'containerd' }],
  [
    'nerdctl, rootless: chainguard osquery-defense-kit',
    `/user.slice/user-1000.slice/user@1000.service/user.slice/nerdctl-${A}.scope`,
    { id: A, runtime: 'containerd' },
  ],
  // Podman
  ['rootful', `/machine.slice/libpod-${B}.scope/container`, { id: B, runtime: 'podman' }],
  ['rootful, runc: falcosecurity/libs, podman.cpp', `/machine.slice/libpod-${B}.scope`, { id: B, runtime: 'podman' }],
  [
    'rootless: podman inspect, CgroupPath',
    `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${A}.scope`,
    { id: A, runtime: 'podman' },
  ],
  [
    'rootless, crun',
    '/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-be131b155b6a8ac24cfbafd05aa72c1575512f60dd242b24eec1c3cbb05e543a.scope/container',
    { id: 'be131b155b6a8ac24cfbafd05aa72c1575512f60dd242b24eec1c3cbb05e543a', runtime: 'podman' },
  ],
  [
    'cgroupfs: podman inspect, CgroupPath',
    '/libpod_parent/libpod-cf594798841275880f780c2aa55954b2d218b92a7c82df039aef02e2f4fe83f1',
    { id: 'cf594798841275880f780c2aa55954b2d218b92a7c82df039aef02e2f4fe83f1', runtime: 'podman' },
  ],
  [
    'a pod of Podman',
    `/machine.slice/machine-libpod_pod_aed1dcce39a52379aaa25179323c2597863a7a9bc9a974950c58d6b5ea4f04e7.slice/libpod-${B}.scope`,
    { id: B, runtime: 'podman' },
  ],
  ['a pod of Podman, cgroupfs', `/libpod_parent/${A}/libpod-${B}`, { id: B, runtime: 'podman' }],
  [
    '--cgroups=split: systemctl status of a quadlet',
    `/system.slice/nginx.service/libpod-payload-${B}`,
    { id: B, runtime: 'podman' },
  ],
  [
    '--cgroups=split, rootless',
    `${QUADLET}/libpod-payload-e8c29da1a2f6c4bb032304f7dfbc5a767e026092c4a2fcbc830e58565f972f54`,
    { id: 'e8c29da1a2f6c4bb032304f7dfbc5a767e026092c4a2fcbc830e58565f972f54', runtime: 'podman' },
  ],
  ['Podman in Docker', `/docker/${A}/libpod_parent/libpod-${B}`, { id: B, runtime: 'podman' }],
  // Kubernetes
  [
    'cgroupfs: Qard/container-info, test/fixtures/result.js',
    '/kubepods/besteffort/pod74c13223-5a00-11e9-b385-42010a80018d/34dc0b5e626f2c5c4c5170e34b10e7654ce36f0fcd532739f4445baabea03376',
    {
      id: '34dc0b5e626f2c5c4c5170e34b10e7654ce36f0fcd532739f4445baabea03376',
      pod_uid: '74c13223-5a00-11e9-b385-42010a80018d',
      qos: 'besteffort',
    },
  ],
  [
    'cgroupfs, a group of its own inside: neuvector, share/system/cgroup_test.go',
    `${CGROUPFS_POD}/c04e0a88a1de067f25bece337d4dbb897396e0b623c2a65330850fc9823f1903/kube-proxy`,
    {
      id: 'c04e0a88a1de067f25bece337d4dbb897396e0b623c2a65330850fc9823f1903',
      pod_uid: 'f8a694f2-7c08-11e9-98da-000c29077430',
      qos: 'besteffort',
    },
  ],
  [
    'cgroupfs, guaranteed',
    `/kubepods/podf8a694f2-7c08-11e9-98da-000c29077430/${A}`,
    { id: A, pod_uid: 'f8a694f2-7c08-11e9-98da-000c29077430', qos: 'guaranteed' },
  ],
  [
    'cgroupfs, CRI-O: falcosecurity/libs, cri.cpp',
    `/kubepods/burstable/podf8a694f2-7c08-11e9-98da-000c29077430/crio-${A}`,
    { id: A, runtime: 'cri-o', pod_uid: 'f8a694f2-7c08-11e9-98da-000c29077430', qos: 'burstable' },
  ],
  [
    'kubelet --cgroup-root',
    `/extra/kubepods/burstable/podf8a694f2-7c08-11e9-98da-000c29077430/${A}`,
    { id: A, pod_uid: 'f8a694f2-7c08-11e9-98da-000c29077430', qos: 'burstable' },
  ],
  [
    'systemd, Docker: neuvector, share/system/cgroup_test.go',
    '/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod045b1e35_7f13_11e7_ac42_0050568ffca0.slice/docker-b5b6f2da8008be266864f896f93789762b2ce50792114a5c5f2cc3315af0bc70.scope',
    {
      id: 'b5b6f2da8008be266864f896f93789762b2ce50792114a5c5f2cc3315af0bc70',
      runtime: 'docker',
      pod_uid: '045b1e35-7f13-11e7-ac42-0050568ffca0',
      qos: 'besteffort',
    },
  ],
  [
    'systemd, containerd on Bottlerocket: neuvector, share/system/cgroup_test.go',
    `${BOTTLEROCKET}/cri-containerd-f45298cd514d1930c4fe3afc4412e59547f7e3148fddd22ca33cefce046eb830.scope`,
    { id: 'f45298cd514d1930c4fe3afc4412e59547f7e3148fddd22ca33cefce046eb830', runtime: 'containerd', ...POD },
  ],
  [
    'systemd, guaranteed',
    `/kubepods.slice/kubepods-pod57e67067_89e4_4001_bdd4_8632d39ea02b.slice/cri-containerd-${A}.scope`,
    { id: A, runtime: 'containerd', pod_uid: '57e67067-89e4-4001-bdd4-8632d39ea02b', qos: 'guaranteed' },
  ],
  ['systemd, CRI-O', `${BOTTLEROCKET}/crio-${A}.scope`, { id: A, runtime: 'cri-o', ...POD }],
  ['systemd, CRI-O with crun', `${BOTTLEROCKET}/crio-${A}.scope/container`, { id: A, runtime: 'cri-o', ...POD }],
  [
    'containerd without SystemdCgroup, kubelet with it',
    '/system.slice/containerd.service/kubepods-besteffort-pod214f3ba8_4b69_4bdb_a7d5_5ecc73f04ae9.slice:cri-containerd:d4e8e05a546c86b6443f101966c618e47753ed01fa9929cae00d3b692f7a9f80',
    {
      id: 'd4e8e05a546c86b6443f101966c618e47753ed01fa9929cae00d3b692f7a9f80',
      runtime: 'containerd',
      pod_uid: '214f3ba8-4b69-4bdb-a7d5-5ecc73f04ae9',
      qos: 'besteffort',
    },
  ],
  [
    'a static pod: hash of its manifest',
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podb8bb5ac5a4ad6e3aea5fd3f66d4f0b9e.slice/cri-containerd-${A}.scope`,
    { id: A, runtime: 'containerd', pod_uid: 'b8bb5ac5a4ad6e3aea5fd3f66d4f0b9e', qos: 'burstable' },
  ],
  [
    'a static pod, cgroupfs',
    `/kubepods/burstable/podb8bb5ac5a4ad6e3aea5fd3f66d4f0b9e/${A}`,
    { id: A, pod_uid: 'b8bb5ac5a4ad6e3aea5fd3f66d4f0b9e', qos: 'burstable' },
  ],
  [
    'kind: a kubelet in Docker',
    `${KUBELET_IN_KIND}/kubelet-kubepods-besteffort-pod5f413373_db04_4240_a645_993a3fbcffc3.slice/cri-containerd-e0d51863af3b89d990370749541ea926418346f6f1c92c255e4862f6a1c04d80.scope`,
    {
      id: 'e0d51863af3b89d990370749541ea926418346f6f1c92c255e4862f6a1c04d80',
      runtime: 'containerd',
      pod_uid: '5f413373-db04-4240-a645-993a3fbcffc3',
      qos: 'besteffort',
    },
  ],
  [
    'kind: the node itself',
    `${KIND}/kubelet.slice/kubelet.service`,
    { id: 'fbc411e743aa89de421746b3fc92e4fa475d0f2dc92967fb39c2f78574799701', runtime: 'docker' },
  ],
  [
    'kind before 0.20, cgroupfs',
    `/docker/${A}/kubelet/kubepods/besteffort/pod5f413373-db04-4240-a645-993a3fbcffc3/${B}`,
    { id: B, pod_uid: '5f413373-db04-4240-a645-993a3fbcffc3', qos: 'besteffort' },
  ],
  [
    'Docker in a pod: the pod is around both',
    `${CGROUPFS_POD}/${A}/docker/${B}`,
    { id: B, runtime: 'docker', pod_uid: 'f8a694f2-7c08-11e9-98da-000c29077430', qos: 'besteffort' },
  ],
  [
    'nspawn in a pod',
    `${BOTTLEROCKET}/cri-containerd-${A}.scope/machine.slice/machine-build.scope/payload`,
    { id: 'build', runtime: 'systemd-nspawn', ...POD },
  ],
  // LXC, LXD, Incus
  [
    'LXC 4 and newer, LXD, Incus: lxc, src/lxc/cgroups/cgroup.h',
    '/lxc.payload.gha-fleet_worker/system.slice/actions.runner.one-job.service',
    { id: 'gha-fleet_worker', runtime: 'lxc' },
  ],
  ['Waydroid', '/lxc.payload.waydroid', { id: 'waydroid', runtime: 'lxc' }],
  ['LXC 3', '/lxc.payload/web/init.scope', { id: 'web', runtime: 'lxc' }],
  ['Proxmox, and LXC before 3', '/lxc/101/ns/init.scope', { id: '101', runtime: 'lxc' }],
  ['Docker in LXC', `/lxc.payload.c1/system.slice/docker-${A}.scope`, { id: A, runtime: 'docker' }],
  ['LXC in Docker', `/docker/${A}/lxc.payload.inner`, { id: 'inner', runtime: 'lxc' }],
  // systemd-nspawn
  [
    'systemd-nspawn',
    '/machine.slice/machine-my\\x2dhost.scope/payload/init.scope',
    { id: 'my-host', runtime: 'systemd-nspawn' },
  ],
  [
    'machinectl start',
    '/machine.slice/systemd-nspawn@media-01.service/payload/init.scope',
    { id: 'media-01', runtime: 'systemd-nspawn' },
  ],
  [
    'NixOS',
    '/machine.slice/container@g.service/payload/system.slice/a.service',
    { id: 'g', runtime: 'systemd-nspawn' },
  ],
  // Outside of containers
  ['the root', '/', undefined],
  ['nothing', '', undefined],
  ['a session', '/user.slice/user-1000.slice/session-3.scope', undefined],
  ['a service', '/system.slice/containerd.service', undefined],
  ['conmon of Podman', `/machine.slice/libpod-conmon-${A}.scope`, undefined],
  ['conmon of Podman, cgroupfs', '/libpod_parent/conmon', undefined],
  ['conmon in a pod of Podman, cgroupfs', `/libpod_parent/${A}/conmon`, undefined],
  ['conmon beside a split payload', `${QUADLET}/runtime`, undefined],
  ['conmon of CRI-O: cri-o, oci', `${BOTTLEROCKET}/crio-conmon-${A}.scope`, undefined],
  ['conmon of CRI-O, cgroupfs', `${CGROUPFS_POD}/crio-conmon-${A}`, undefined],
  [
    'conmon of Podman in Docker: in the outer one',
    `/docker/${A}/libpod_parent/libpod-conmon-${B}`,
    { id: A, runtime: 'docker' },
  ],
  ['a pod without a container', BOTTLEROCKET, undefined],
  ['the monitor of LXC', '/lxc.monitor.web', undefined],
  ['the monitor of LXC 3', '/lxc.monitor/101', undefined],
  ['the supervisor of nspawn', '/machine.slice/machine-web.scope/supervisor', undefined],
  ['a virtual machine of libvirt', '/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator', undefined],
  ['a healthcheck of Podman', `/system.slice/${A}-123.service`, undefined],
  ['a mount', `/system.slice/var-lib-docker-overlay2-${A}-merged.mount`, undefined],
  ['63 digits', `/docker/${A.slice(1)}`, undefined],
  ['65 digits', `/docker/${A}0`, undefined],
  ['capitals', `/docker/${A.toUpperCase()}`, undefined],
  ['a slice', `/x/${A}.slice`, undefined],
];
