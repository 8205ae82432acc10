import { chmodSync, cpSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { inCheckout, ROOT } from '../../installers/tools/root-folder.ts';
import { CLIENT_GID, CLIENT_UID, HELPER_UID } from '../support/helper-process.ts';
import { fixture } from '../support/fixtures.ts';

/** This machine's loopback, as a guest sees it. */
const HOST = '10.0.2.2';
const PROGRAMS = ['probes-helper', 'probes-agent', 'koffi.node', 'exec.bpf.o'];
const SOCKET = '/run/platform-probes/events.sock';
const CONFIG = '/run/agent.yaml';

/** The outputs of the agent; the path of each is its name. */
export const OUTPUTS = ['lake', 'late'] as const;

/** Puts what the guest runs into a folder, which it sees in place of the checkout. */
export function fillFolder(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of PROGRAMS) cpSync(inCheckout('dist', name), path.join(folder, name));
  for (const name of ['exec-storm', 'no-op']) {
    cpSync(fixture(name), path.join(folder, name));
    chmodSync(path.join(folder, name), 0o755);
  }
}

/**
 * The script of a guest with a disk: helper, agent and an endless storm of execs, some hundreds a second.
 * @param sync of the spool
 * @param port of the receiver on this machine
 */
export function guestScript(sync: string, port: number): string {
  const outputs = OUTPUTS.map(
    (name) =>
      `  - { name: ${name}, type: http, url: "http://${HOST}:${port}/${name}", batch: { max_age: 100ms, max_events: 500 } }`,
  ).join('\n');
  return `PATH=/usr/sbin:/usr/bin:/sbin:/bin; export PATH
set -e
for module in virtio_blk ext4 virtio_net; do modprobe $module; done
busybox ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
mkdir -p /run/disk /run/probes
mount -t ext4 /dev/vda /run/disk
mkdir -p /run/disk/probes
chown ${CLIENT_UID}:${CLIENT_GID} /run/disk/probes
cp '${ROOT}'/* /run/probes/ 2>/dev/null || test -x /run/probes/probes-agent
cat >${CONFIG} <<'END'
source: { socket: ${SOCKET} }
spool: { folder: /run/disk/probes/spool, sync: ${sync}, max_bytes: 64MiB, reserve: 0B }
outputs:
${outputs}
END
cd /run/probes
./probes-helper run --socket ${SOCKET} --user ${HELPER_UID} --group ${CLIENT_GID} &
for i in $(seq 600); do [ -S ${SOCKET} ] && break; sleep 0.1; done
setpriv --reuid ${CLIENT_UID} --regid ${CLIENT_GID} --clear-groups ./probes-agent run --config ${CONFIG} &
while kill -0 $!; do ./exec-storm ./no-op 50 1 load >/dev/null; sleep 0.2; done
echo 'the agent ended'
`;
}
