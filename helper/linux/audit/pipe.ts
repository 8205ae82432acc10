import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mayNotLook } from './process.ts';
import { readFdinfo } from '../fdinfo.ts';
import { bindLibbpf } from '../root/libbpf.ts';
import { KINDS } from '../layout.ts';
import type { Koffi } from '../../koffi.ts';
import type { Libc } from '../libc.ts';
import type { Handoff } from '../handoff.ts';
import { readState } from '../../stream/state.ts';
import type { Finding, Section } from '../../audit/report.ts';
import { auditSocket, realSocket } from '../../unix/audit-socket.ts';

/** The backlog of a running helper and its state, for reading. */
export function mapBacklog(koffi: Koffi, libc: Libc, pid: number, { probe }: Handoff): ArrayBuffer {
  const map = bindLibbpf(koffi).map_by_id(Number(readFdinfo(probe.backlog, pid).get('map_id')));
  if (map < 0) throw mayNotLook(pid, `the kernel refused its maps (errno ${-map})`);
  return libc.map(map, probe.backlogBytes, 0, false);
}

/**
 * Checks that the socket is the helper's own and only for root and the group; reports connected clients and their
 * counts.
 */
export function auditPipe(memory: ArrayBuffer, pid: number, handoff: Handoff, socket: string): Section {
  const { exists, facts, findings: objections } = auditSocket(socket, handoff.group);
  if (!exists) return { title: 'pipe', facts, findings: objections };
  const findings: Finding[] = [...objections];
  if (boundInode(realSocket(socket)) !== readlinkSync(`/proc/${pid}/fd/${handoff.listener}`)) {
    findings.push({
      code: 'SOCKET_REPLACED',
      message: `${socket} is not the socket that the helper listens on: clients reach another program. Restart the helper.`,
    });
  }
  const state = readState(memory, handoff.probe.cpus * KINDS);
  return {
    title: 'pipe',
    facts: { ...facts, ...state },
    findings,
  };
}

/** A line of /proc/net/unix about a listening socket: flags, type, state, inode, and the path as it is, spaces too. */
const LISTENING = /^\S+: \S+ \S+ 00010000 \S+ 01 +(?<inode>\d+) (?<path>.*)$/s;

/**
 * The socket bound to this path, in the notation of /proc/PID/fd. The newest counts, since connect(2) finds that one.
 */
function boundInode(socket: string): string | undefined {
  const name = Buffer.from(socket).toString('latin1');
  const bound = unixSockets()
    .map((line) => LISTENING.exec(line)?.groups)
    .filter((found) => found?.['path'] === name);
  return bound.length === 1 ? `socket:[${bound[0]?.['inode']}]` : undefined;
}

/**
 * The kernel's lists of Unix sockets, in lines of /proc/net/unix. There is one for each network namespace, and a service
 * may have its own, while a path leads from all of them to the same socket.
 */
function unixSockets(): string[] {
  const networks = new Set<string>();
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const network = readlinkSync(`/proc/${pid}/ns/net`);
        if (networks.has(network)) return [];
        const lines = readFileSync(`/proc/${pid}/net/unix`, 'latin1').split('\n');
        networks.add(network);
        return lines;
      } catch {
        return []; // it has ended
      }
    });
}
