import { readdirSync, readFileSync } from 'node:fs';
import type { PrivilegeState } from '../../shared/events/hello.ts';
import { HelperError } from '../errors.ts';

const CAPABILITY_SETS = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'];

/** Reads from /proc what every thread of `pid` may do. All threads are looked at, since privileges belong to threads. */
export function readPrivileges(pid: number | 'self' = 'self'): PrivilegeState {
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) => readStatus(`/proc/${pid}/task/${thread}/status`));
  const uids = new Set(threads.flatMap((thread) => thread.uids));
  const gids = new Set(threads.flatMap((thread) => thread.gids));
  return {
    // Of differing ids the worst is what counts: root if any thread has it.
    uid: Math.min(...uids),
    gid: Math.min(...gids),
    threads: threads.length,
    capabilities: threads.reduce((all, thread) => all | thread.capabilities, 0n).toString(16),
    no_new_privs: threads.every((thread) => thread.noNewPrivs),
    seccomp: Math.min(...threads.map((thread) => thread.seccomp)),
  };
}

/**
 * Demands that nothing is left.
 * @throws {HelperError} HELPER_PRIVILEGE, naming what is
 */
export function requireNoPrivileges(state: PrivilegeState, uid: number, gid: number): void {
  const left = [
    state.uid === uid ? '' : `uid ${state.uid}`,
    state.gid === gid ? '' : `gid ${state.gid}`,
    state.capabilities === '0' ? '' : `capabilities ${state.capabilities}`,
    state.no_new_privs ? '' : 'no_new_privs is off',
  ].filter((problem) => problem !== '');
  if (left.length > 0) throw new HelperError('HELPER_PRIVILEGE', `privileges were given up but are still there: ${left.join(', ')}. Not going on.`);
}

function readStatus(file: string) {
  const fields = new Map(
    readFileSync(file, 'latin1')
      .split('\n')
      .map((line) => line.split(':\t', 2) as [string, string]),
  );
  const numbers = (name: string): number[] => (fields.get(name) ?? '').split('\t').map(Number);
  return {
    uids: numbers('Uid'),
    gids: [...numbers('Gid'), ...(fields.get('Groups') ?? '').trim().split(' ').filter(Boolean).map(Number)],
    capabilities: CAPABILITY_SETS.reduce((all, set) => all | BigInt(`0x${fields.get(set) ?? 'f'}`), 0n),
    noNewPrivs: fields.get('NoNewPrivs') === '1',
    seccomp: Number(fields.get('Seccomp') ?? 0),
  };
}
