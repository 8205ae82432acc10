import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { readFdinfo } from '../ebpf/fdinfo.ts';
import { bindLibbpf } from '../ebpf/libbpf.ts';
import { KINDS } from '../ebpf/record.ts';
import type { Koffi } from '../ffi/koffi.ts';
import type { Libc } from '../ffi/libc.ts';
import type { Handoff } from '../linux/handoff.ts';
import { requireTrusted } from '../privileges/trusted-files.ts';
import { readState } from '../state.ts';
import type { Finding, Section } from './report.ts';

const octal = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, '0');

/** Whether the socket is the helper's own, for root and the group alone; who is connected and what they did. */
export function auditPipe(koffi: Koffi, libc: Libc, pid: number, handoff: Handoff, socket: string): Section {
  const findings: Finding[] = [];
  const file = lstatSync(socket, { throwIfNoEntry: false });
  if (file === undefined) {
    const finding = { code: 'SOCKET_MISSING', message: `${socket} is gone: nobody can connect. Restart the helper.` };
    return { title: 'pipe', facts: { socket }, findings: [finding] };
  }
  const folder = lstatSync(path.dirname(socket));
  if (!file.isSocket() || file.uid !== 0 || file.gid !== handoff.group) {
    findings.push({ code: 'SOCKET_OWNER', message: `${socket} should be a socket of root and group ${handoff.group}, but belongs to ${file.uid}:${file.gid}. Restart the helper.` });
  }
  if ((file.mode & 0o7777 & ~0o660) !== 0) {
    findings.push({ code: 'SOCKET_MODE', message: `${socket} has mode ${octal(file.mode)}, wider than 0660. Mend it: chmod 0660 ${socket}` });
  }
  if ((folder.mode & 0o007) !== 0) {
    findings.push({ code: 'FOLDER_MODE', message: `${path.dirname(socket)} has mode ${octal(folder.mode)}, wider than 0750. Mend it: chmod 0750 ${path.dirname(socket)}` });
  }
  try {
    requireTrusted(path.dirname(socket));
  } catch (error) {
    findings.push({ code: 'FOLDER_UNSAFE', message: (error as Error).message.replace(/^HELPER_UNSAFE_FILE: /, '') });
  }
  if (boundInode(socket) !== readlinkSync(`/proc/${pid}/fd/${handoff.listener}`)) {
    findings.push({ code: 'SOCKET_REPLACED', message: `${socket} is not the socket that the helper listens on: clients reach somebody else. Restart the helper.` });
  }
  const map = bindLibbpf(koffi).map_by_id(Number(readFdinfo(handoff.probe.backlog, pid).get('map_id')));
  const state = readState(libc.map(map, handoff.probe.backlogBytes, 0, false), handoff.probe.cpus * KINDS);
  return {
    title: 'pipe',
    facts: { socket, mode: octal(file.mode), owner: `${file.uid}:${file.gid}`, folder_mode: octal(folder.mode), ...state },
    findings,
  };
}

/** The socket bound to this path, spelled as /proc/PID/fd spells it. The newest counts: it is what connect(2) finds. */
function boundInode(socket: string): string | undefined {
  const bound = readFileSync('/proc/net/unix', 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[7] === socket && fields[5] === '01' && fields[3] === '00010000');
  return bound.length === 1 ? `socket:[${bound[0]?.[6]}]` : undefined;
}
