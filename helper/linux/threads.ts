import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import type { PrivilegeState } from '../../shared/events/hello.ts';
import { HelperError } from '../errors.ts';

/** The facts that /proc reports about a process; it does not report Landlock. */
export type ReadPrivileges = Omit<PrivilegeState, 'landlock'>;

const CAPABILITY_SETS = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'];
const STATUS_BYTES = 16 * 1024;

/**
 * The privileges of every thread of a process, since privileges belong to threads. Opens the files once, so that they
 * can be read again when no file can be opened any more.
 */
export class ThreadPrivileges {
  readonly #files: readonly number[];

  constructor(pid: number | 'self' = 'self') {
    this.#files = readdirSync(`/proc/${pid}/task`).map((thread) => openSync(`/proc/${pid}/task/${thread}/status`, 'r'));
  }

  read(): ReadPrivileges {
    const threads = this.#files.map(readStatus);
    return {
      uid: theOnly(threads.flatMap((thread) => thread.uids)),
      gid: theOnly(threads.flatMap((thread) => thread.gids)),
      threads: threads.length,
      capabilities: threads.reduce((all, thread) => all | thread.capabilities, 0n).toString(16),
      no_new_privs: threads.every((thread) => thread.noNewPrivs),
      seccomp: Math.min(...threads.map((thread) => thread.seccomp)),
    };
  }

  close(): void {
    for (const file of this.#files) closeSync(file);
  }
}

/**
 * Checks that no privilege is left.
 * @throws {HelperError} HELPER_PRIVILEGE, naming the remaining ones
 */
export function requireNoPrivileges(state: ReadPrivileges, uid: number, gid: number): void {
  const left = [
    state.uid === uid ? '' : state.uid === -1 ? 'differing uids' : `uid ${state.uid}`,
    state.gid === gid ? '' : state.gid === -1 ? 'differing groups' : `gid ${state.gid}`,
    state.capabilities === '0' ? '' : `capabilities ${state.capabilities}`,
    state.no_new_privs ? '' : 'no_new_privs is off',
  ].filter((problem) => problem !== '');
  if (left.length > 0)
    throw new HelperError(
      'HELPER_PRIVILEGE',
      `privileges are still there after the drop: ${left.join(', ')}. The helper stops.`,
    );
}

/** The common id of all; -1, which is nobody's, if they differ. */
function theOnly(ids: readonly number[]): number {
  return new Set(ids).size === 1 ? (ids[0] as number) : -1;
}

function readStatus(file: number) {
  const buffer = Buffer.alloc(STATUS_BYTES);
  const text = buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0));
  const fields = new Map(text.split('\n').map((line) => line.split(':\t', 2) as [string, string]));
  const numbers = (name: string): number[] => (fields.get(name) ?? '').split('\t').map(Number);
  return {
    uids: numbers('Uid'),
    gids: [...numbers('Gid'), ...(fields.get('Groups') ?? '').trim().split(' ').filter(Boolean).map(Number)],
    capabilities: CAPABILITY_SETS.reduce((all, set) => all | BigInt(`0x${fields.get(set) ?? 'f'}`), 0n),
    noNewPrivs: fields.get('NoNewPrivs') === '1',
    seccomp: Number(fields.get('Seccomp') ?? 0),
  };
}
