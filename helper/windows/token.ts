import type { PrivilegeState } from '../../shared/events/hello.ts';
import { HelperError } from '../errors.ts';
import { wideText, type Handle, type Windows } from './functions.ts';
import { sidText } from './sid.ts';

const TOKEN_DUPLICATE = 2;
const TOKEN_QUERY = 8;
const TOKEN_ADJUST_PRIVILEGES = 0x20;
const CLASS = { user: 1, privileges: 3, statistics: 10, integrity: 25 } as const;
const SE_PRIVILEGE_REMOVED = 4;
const PRIVILEGE_BYTES = 12;
const SECURITY_IDENTIFICATION = 1;
const TOKEN_BYTES = 4096;

/**
 * The privileges that the helper keeps: SeSystemProfilePrivilege, to restart the session when somebody stopped it;
 * SeChangeNotifyPrivilege, which every process has.
 */
const NEEDED: ReadonlySet<string> = new Set(['SeSystemProfilePrivilege', 'SeChangeNotifyPrivilege']);

const INTEGRITY_NAMES: ReadonlyMap<number, string> = new Map([
  [0, 'untrusted'],
  [0x1000, 'low'],
  [0x2000, 'medium'],
  [0x3000, 'high'],
  [0x4000, 'system'],
]);

/** A token, which the caller owns and closes. */
function openToken(windows: Windows, process: Handle, access: number): Handle | undefined {
  const token: Handle[] = [0];
  return windows.OpenProcessToken(process, access, token) === true ? token[0] : undefined;
}

/**
 * Removes every privilege from this process's token except those the helper needs. This process can never get a removed
 * one back.
 * @throws {HelperError} HELPER_PRIVILEGE when a privilege is left that should not be
 */
export function removePrivileges(windows: Windows): PrivilegeState {
  const token = openToken(windows, windows.GetCurrentProcess() as Handle, TOKEN_QUERY | TOKEN_ADJUST_PRIVILEGES);
  if (token === undefined) throw new HelperError('HELPER_PRIVILEGE', windows.failure('OpenProcessToken').message);
  const surplus = readPrivileges(windows, token).filter(({ name }) => !NEEDED.has(name));
  const state = Buffer.alloc(4 + PRIVILEGE_BYTES * surplus.length);
  state.writeUInt32LE(surplus.length, 0);
  surplus.forEach(({ luid }, i) => {
    luid.copy(state, 4 + PRIVILEGE_BYTES * i);
    state.writeUInt32LE(SE_PRIVILEGE_REMOVED, 4 + PRIVILEGE_BYTES * i + 8);
  });
  windows.AdjustTokenPrivileges(token, false, state, state.length, null, null);
  const left = readPrivileges(windows, token).map(({ name }) => name);
  const tooMuch = left.filter((name) => !NEEDED.has(name));
  if (tooMuch.length > 0)
    throw new HelperError('HELPER_PRIVILEGE', `Windows did not remove ${tooMuch.join(', ')} from the token`);
  return readToken(windows, token);
}

/** The privileges of a process, by its token; undefined if the system does not allow the query. */
export function privilegesOf(windows: Windows, process: Handle): PrivilegeState | undefined {
  const token = openToken(windows, process, TOKEN_QUERY);
  return token === undefined ? undefined : readToken(windows, token);
}

/** The names of the privileges that the helper does not need. */
export const surplusPrivileges = (names: readonly string[]): string[] => names.filter((name) => !NEEDED.has(name));

/** User and logon session of a process, as far as they could be read. */
export function identityOf(windows: Windows, process: Handle): { userSid?: string; logonId?: string } {
  const token = openToken(windows, process, TOKEN_QUERY);
  if (token === undefined) return {};
  const statistics = query(windows, token, CLASS.statistics);
  const userSid = readUser(windows, token);
  windows.CloseHandle(token);
  const logonId = statistics === undefined ? undefined : `0x${statistics.readBigUInt64LE(8).toString(16)}`;
  return { ...(userSid === undefined ? {} : { userSid }), ...(logonId === undefined ? {} : { logonId }) };
}

/** Whether a process belongs to one of these groups or users (SIDs as text). */
export function isMember(windows: Windows, process: Handle, sids: readonly string[]): boolean {
  const token = openToken(windows, process, TOKEN_QUERY | TOKEN_DUPLICATE);
  if (token === undefined) return false;
  // Windows answers this only for an impersonation token; nobody is impersonated.
  const copy: Handle[] = [0];
  const copied = windows.DuplicateToken(token, SECURITY_IDENTIFICATION, copy) === true;
  windows.CloseHandle(token);
  if (!copied) return false;
  const found = sids.some((text) => {
    const sid: bigint[] = [0n];
    if (windows.ConvertStringSidToSidW(text, sid) !== true) return false;
    const member = [0];
    const asked = windows.CheckTokenMembership(copy[0], sid[0], member) === true;
    windows.LocalFree(sid[0]);
    return asked && member[0] !== 0;
  });
  windows.CloseHandle(copy[0]);
  return found;
}

function readToken(windows: Windows, token: Handle): PrivilegeState {
  const userSid = readUser(windows, token);
  const label = query(windows, token, CLASS.integrity);
  const names = readPrivileges(windows, token).map(({ name }) => name);
  windows.CloseHandle(token);
  // TOKEN_MANDATORY_LABEL: a pointer, attributes, then the SID, whose last part is the level.
  const level = label === undefined ? undefined : Number(sidText(label.subarray(16)).split('-').at(-1));
  const integrity = level === undefined ? undefined : (INTEGRITY_NAMES.get(level) ?? `S-1-16-${level}`);
  return {
    ...(userSid === undefined ? {} : { user_sid: userSid }),
    ...(integrity === undefined ? {} : { integrity_level: integrity }),
    token_privileges: names.toSorted(),
  };
}

function readUser(windows: Windows, token: Handle): string | undefined {
  // TOKEN_USER: a pointer, attributes, then the SID that the pointer refers to.
  const user = query(windows, token, CLASS.user);
  return user === undefined ? undefined : sidText(user.subarray(16));
}

function readPrivileges(windows: Windows, token: Handle): { name: string; luid: Buffer }[] {
  const data = query(windows, token, CLASS.privileges);
  if (data === undefined) throw new HelperError('HELPER_PRIVILEGE', windows.failure('GetTokenInformation').message);
  return Array.from({ length: data.readUInt32LE(0) }, (_, i) => {
    const luid = data.subarray(4 + PRIVILEGE_BYTES * i, 4 + PRIVILEGE_BYTES * i + 8);
    const name = Buffer.alloc(128);
    const known = windows.LookupPrivilegeNameW(null, luid, name, [name.length / 2]) === true;
    return { name: known ? wideText(name) : `privilege ${luid.readBigUInt64LE(0)}`, luid };
  });
}

function query(windows: Windows, token: Handle, kind: number): Buffer | undefined {
  const data = Buffer.alloc(TOKEN_BYTES);
  const needed = [0];
  return windows.GetTokenInformation(token, kind, data, data.length, needed) === true
    ? data.subarray(0, needed[0])
    : undefined;
}
