import { isUtf8 } from 'node:buffer';
import { SURROUNDINGS_CACHE_BYTES, SURROUNDINGS_CACHE_ENTRIES } from '../../limits.ts';
import { containerId, pathOf } from './paths.ts';
import {
  EVENT,
  EVENT_BYTES,
  FLAG_CGROUP_CUT,
  FLAG_CWD_CUT,
  FLAG_EXE_CUT,
  FLAG_FD_PATH_CUT,
  FLAG_PARENT_EXE_CUT,
  NAMESPACES,
  NO_UID,
} from './record.ts';

/** The flags that change how the paths are spelled. */
const CUT_FLAGS = FLAG_EXE_CUT | FLAG_CWD_CUT | FLAG_PARENT_EXE_CUT | FLAG_FD_PATH_CUT | FLAG_CGROUP_CUT;

/** The part of an event that does not depend on what was executed with which arguments, as pieces of its line. */
export interface Surroundings {
  /** From `ppid` to `exe`. */
  readonly who: string;
  /** Path of the descriptor of a failed exec; undefined without one, and where it is the root. */
  readonly fdPath: string | undefined;
  readonly cwd: string;
  /** `cgroup`, `container_id`, `ns`. */
  readonly where: string;
  readonly parent: string;
  /** The image's path; empty when the process has none. */
  readonly exe: string;
  /** Path in the event and bytes of each string that is not UTF-8; undefined when all are. */
  readonly raw: Readonly<Record<string, string>> | undefined;
  /** Bytes that the paths take in the record. */
  readonly pathBytes: number;
}

/**
 * Spells out who executed something and where. A parent that starts many programs
 * gives the same bytes each time, so what was spelled last is kept, by these bytes.
 */
export class SurroundingsReader {
  readonly #own: readonly number[];
  readonly #known = new Map<string, Surroundings>();

  /** @param ownNamespaces inode numbers in the order of NAMESPACES; equal ones are left out */
  constructor(ownNamespaces: readonly number[]) {
    this.#own = ownNamespaces;
  }

  /** Of the record at `at` (a multiple of 8) in this memory. */
  read(words: Uint32Array, bytes: Buffer, at: number): Surroundings {
    const w = at >>> 2;
    const pathBytes =
      (words[w + (EVENT.exe_bytes >>> 2)] as number) +
      (words[w + (EVENT.cwd_bytes >>> 2)] as number) +
      (words[w + (EVENT.parent_exe_bytes >>> 2)] as number) +
      (words[w + (EVENT.fd_path_bytes >>> 2)] as number) +
      (words[w + (EVENT.cgroup_bytes >>> 2)] as number);
    const flags = (words[w + (EVENT.flags >>> 2)] as number) & CUT_FLAGS;
    const key = bytes.latin1Slice(at + EVENT.parent_start_time, at + EVENT_BYTES + pathBytes);
    const known = this.#known.get(key);
    if (known !== undefined && flags === 0) return known;
    const fresh = spell(words, bytes, at, pathBytes, flags, this.#own);
    if (flags !== 0 || pathBytes > SURROUNDINGS_CACHE_BYTES) return fresh;
    if (this.#known.size >= SURROUNDINGS_CACHE_ENTRIES) this.#known.clear();
    this.#known.set(key, fresh);
    return fresh;
  }
}

function spell(
  words: Uint32Array,
  bytes: Buffer,
  at: number,
  pathBytes: number,
  flags: number,
  own: readonly number[],
): Surroundings {
  const word = (offset: number): number => words[(at + offset) >>> 2] as number;
  const raw: Record<string, string> = {};
  let end = at + EVENT_BYTES;
  const next = (field: string, lengthAt: number, cut: number): string => {
    const start = end;
    end += word(lengthAt);
    const path = pathOf(bytes.subarray(start, end), (flags & cut) === 0);
    if (!isUtf8(path)) raw[field] = path.toString('base64');
    return path.toString('utf8');
  };
  const exe = next('exe', EVENT.exe_bytes, FLAG_EXE_CUT);
  const cwd = next('cwd', EVENT.cwd_bytes, FLAG_CWD_CUT);
  const parentExe = next('parent.exe', EVENT.parent_exe_bytes, FLAG_PARENT_EXE_CUT);
  const fdPath = next('fd_path', EVENT.fd_path_bytes, FLAG_FD_PATH_CUT);
  const cgroup = next('cgroup', EVENT.cgroup_bytes, FLAG_CGROUP_CUT);
  const hasExe = word(EVENT.exe_bytes) > 0;
  const hasParentExe = word(EVENT.parent_exe_bytes) > 0;
  const container = containerId(cgroup);

  const unless = (name: string, value: number, none: number): string => (value === none ? '' : `,"${name}":${value}`);
  const namespaces = NAMESPACES.flatMap((name, i) =>
    word(EVENT.ns + 4 * i) === own[i] ? [] : [`"${name}":${word(EVENT.ns + 4 * i)}`],
  );
  const parentStart = word(EVENT.parent_start_time) + word(EVENT.parent_start_time + 4) * 0x1_0000_0000;
  const parent = `{"pid":${word(EVENT.ppid)},"start_time":${parentStart}${hasParentExe ? `,"exe":${JSON.stringify(parentExe)}` : ''}}`;
  return {
    who:
      `,"ppid":${word(EVENT.ppid)},"uid":${word(EVENT.uid)},"gid":${word(EVENT.gid)},"euid":${word(EVENT.euid)},"egid":${word(EVENT.egid)}` +
      unless('loginuid', word(EVENT.loginuid), NO_UID) +
      unless('session_id', word(EVENT.session_id), 0) +
      unless('tty', word(EVENT.tty), 0) +
      (hasExe ? `,"exe":${JSON.stringify(exe)}` : ''),
    fdPath: word(EVENT.fd_path_bytes) > 0 ? fdPath : undefined,
    cwd: `,"cwd":${JSON.stringify(cwd)}`,
    where:
      `,"cgroup":${JSON.stringify(cgroup)}` +
      (container === undefined ? '' : `,"container_id":"${container}"`) +
      (namespaces.length === 0 ? '' : `,"ns":{${namespaces.join(',')}}`),
    parent: word(EVENT.ppid) === 0 ? '' : `,"parent":${parent}`,
    exe: hasExe ? exe : '',
    raw: Object.keys(raw).length === 0 ? undefined : raw,
    pathBytes,
  };
}
