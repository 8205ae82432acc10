import { isUtf8 } from 'node:buffer';
import { constants } from 'node:os';
import type { Clock } from '../clock.ts';
import type { LineBuilder } from '../stream.ts';
import { containerId, Paths, type PathText } from './paths.ts';
import {
  COMM_BYTES, EVENT, EVENT_BYTES, FLAG_ARGV_CUT, FLAG_CGROUP_CUT, FLAG_CWD_CUT, FLAG_EXE_CUT, FLAG_NAMES, FLAG_PARENT_EXE_CUT,
  FLAG_SCRIPT, KIND, NAMESPACES, NO_UID,
} from './record.ts';

/** Flags that become names in `flags`; the argument flag has a field of its own. */
const NAMED_FLAGS = [...FLAG_NAMES.keys()].reduce((mask, bit) => mask | (1 << bit), 0);

/** Interpreters of interpreters that the kernel follows, times the two arguments each may insert, plus one. */
const SCRIPT_ARGUMENTS = 11;

// Reversed, so that of two names for one number the first one stays: EAGAIN, not EWOULDBLOCK.
const ERROR_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(constants.errno).reverse().map(([name, number]) => [number, name]));

const TWO_32 = 0x1_0000_0000;

/**
 * Writes exec records as lines of JSON. Speed counts here, and this code runs
 * without a just-in-time compiler: each step is one call of a built-in over as
 * many bytes as possible, and the line is put together as text.
 */
export class ExecLines {
  readonly #clock: Clock;
  readonly #ownNamespaces: readonly number[];
  readonly #paths = new Paths();
  readonly #cgroups = new Map<PathText, string>();
  readonly #flags = new Map<number, string>();

  /** @param ownNamespaces inode numbers in the order of NAMESPACES; equal ones are left out of events */
  constructor(clock: Clock, ownNamespaces: readonly number[]) {
    this.#clock = clock;
    this.#ownNamespaces = ownNamespaces;
  }

  /**
   * @param words the record's memory, and `bytes` the same
   * @param at offset of the record in bytes, a multiple of 8
   * @param args all arguments as the kernel has them, each with its NUL
   * @param cut whether some are missing
   */
  build(words: Uint32Array, bytes: Buffer, at: number, args: Buffer, cut: boolean): LineBuilder {
    const w = at >>> 2;
    const word = (offset: number): number => words[w + (offset >>> 2)] as number;
    const flags = word(EVENT.flags);
    const kind = word(EVENT.type) >>> 16;
    const failed = kind === KIND.failed;
    const isSnapshot = kind === KIND.snapshot;
    const raw: Record<string, string> = {};
    let hasRaw = false;
    const keep = (field: string, piece: Buffer): void => {
      raw[field] = piece.toString('base64');
      hasRaw = true;
    };

    let end = at + EVENT_BYTES;
    const filenameStart = end;
    end += word(EVENT.filename_bytes);
    const filename = bytes.toString('utf8', filenameStart, Math.max(filenameStart, end - 1));
    const nextPath = (field: string, lengthAt: number, cutFlag: number): PathText => {
      const length = word(lengthAt);
      const path = this.#paths.absolute(bytes, end, length, (flags & cutFlag) === 0);
      end += length;
      if (path.raw !== undefined) keep(field, path.raw);
      return path;
    };
    const hasExe = word(EVENT.exe_bytes) > 0;
    const exe = nextPath('exe', EVENT.exe_bytes, FLAG_EXE_CUT);
    const cwd = nextPath('cwd', EVENT.cwd_bytes, FLAG_CWD_CUT);
    const hasParentExe = word(EVENT.parent_exe_bytes) > 0;
    const parentExe = nextPath('parent.exe', EVENT.parent_exe_bytes, FLAG_PARENT_EXE_CUT);
    const cgroup = this.#cgroup(nextPath('cgroup', EVENT.cgroup_bytes, FLAG_CGROUP_CUT));
    const commAt = at + EVENT.comm;
    let commEnd = bytes.indexOf(0, commAt);
    if (commEnd === -1 || commEnd > commAt + COMM_BYTES) commEnd = commAt + COMM_BYTES;
    const comm = bytes.toString('utf8', commAt, commEnd);

    if (!isUtf8(bytes.subarray(commAt, commEnd))) keep('comm', bytes.subarray(commAt, commEnd));
    if (!isUtf8(bytes.subarray(filenameStart, end))) {
      const name = bytes.subarray(filenameStart, filenameStart + Math.max(0, word(EVENT.filename_bytes) - 1));
      if (!isUtf8(name)) keep('filename', name);
    }
    const argsAreText = isUtf8(args);

    const when = this.#clock.fromBoot(word(EVENT.seconds), word(EVENT.nanoseconds));
    const long = (offset: number): number => word(offset) + word(offset + 4) * TWO_32;
    const optional = (name: string, value: number, none: number): string => (value === none ? '' : `,"${name}":${value}`);

    // Everything between the arguments and the end of the line, but `raw`.
    const before =
      `,"timestamp":${when.seconds},"type":"${failed ? 'exec_failed' : 'exec'}"`;
    const who =
      `,"time":"${this.#clock.format(when)}","ppid":${word(EVENT.ppid)},"uid":${word(EVENT.uid)},"gid":${word(EVENT.gid)}` +
      `,"euid":${word(EVENT.euid)},"egid":${word(EVENT.egid)}` +
      optional('loginuid', word(EVENT.loginuid), NO_UID) +
      optional('session_id', word(EVENT.session_id), 0) +
      optional('tty', word(EVENT.tty), 0) +
      (hasExe ? `,"exe":${exe.json}` : '') +
      (isSnapshot ? '' : `,"filename":${JSON.stringify(filename)}`);
    const where =
      `,"cwd":${cwd.json},"comm":${JSON.stringify(comm)},"start_time":${long(EVENT.start_time)}${cgroup}` +
      this.#namespaces(words, w + (EVENT.ns >>> 2)) +
      this.#flagNames(flags) +
      (word(EVENT.ppid) === 0
        ? ''
        : `,"parent":{"pid":${word(EVENT.ppid)},"start_time":${long(EVENT.parent_start_time)}${hasParentExe ? `,"exe":${parentExe.json}` : ''}}`) +
      (failed ? `,"error":"${ERROR_NAMES.get(word(EVENT.error)) ?? `E${word(EVENT.error)}`}"` : '') +
      `,"source":"${isSnapshot ? 'snapshot' : 'ebpf'}"`;
    const pid = word(EVENT.pid);
    const argvBytes = isSnapshot ? args.length : word(EVENT.argv_bytes);
    // How a running process was once asked for is not known; its image is.
    const asked = isSnapshot ? (JSON.parse(exe.json) as string) : filename;
    const isScript = (flags & FLAG_SCRIPT) !== 0;
    const isCut = cut || (flags & FLAG_ARGV_CUT) !== 0;

    return (seq, room) => {
      for (let kept = args, whole = !isCut; ; kept = kept.subarray(0, kept.length >> 1), whole = false) {
        const argv = splitArguments(kept);
        const command = JSON.stringify([asked, ...callersArguments(argv, filename, isScript)].join(' '));
        const bad = (kept === args ? argsAreText : isUtf8(kept)) ? undefined : badArguments(kept);
        const rawText = hasRaw || bad !== undefined ? `,"raw":${JSON.stringify({ ...raw, ...bad })}` : '';
        const line =
          `{"pid":${pid},"command":${command}${before},"seq":${seq}${who},"argv":${JSON.stringify(argv)},"argv_bytes":${argvBytes}` +
          `${whole ? '' : ',"argv_truncated":true'}${rawText}${where}}\n`;
        if (line.length * 3 <= room || Buffer.byteLength(line) <= room) return line;
      }
    };
  }

  #cgroup(path: PathText): string {
    let text = this.#cgroups.get(path);
    if (text === undefined) {
      const id = containerId(JSON.parse(path.json) as string);
      text = `,"cgroup":${path.json}${id === undefined ? '' : `,"container_id":"${id}"`}`;
      if (this.#cgroups.size >= 64) this.#cgroups.clear();
      this.#cgroups.set(path, text);
    }
    return text;
  }

  #namespaces(words: Uint32Array, first: number): string {
    let differing = '';
    for (let i = 0; i < NAMESPACES.length; i++) {
      if (words[first + i] !== this.#ownNamespaces[i]) differing += `${differing && ','}"${NAMESPACES[i]}":${words[first + i]}`;
    }
    return differing && `,"ns":{${differing}}`;
  }

  #flagNames(flags: number): string {
    const named = flags & NAMED_FLAGS;
    if (named === 0) return '';
    let text = this.#flags.get(named);
    if (text === undefined) {
      const names = [...FLAG_NAMES].filter(([bit]) => (named & (1 << bit)) !== 0).map(([, name]) => name);
      text = `,"flags":${JSON.stringify(names)}`;
      this.#flags.set(named, text);
    }
    return text;
  }
}

/** Arguments stand one after the other, each with its NUL; the last NUL may be missing when they were cut. */
export function splitArguments(args: Buffer): string[] {
  if (args.length === 0) return [];
  return args.toString('utf8', 0, args[args.length - 1] === 0 ? args.length - 1 : args.length).split('\0');
}

/**
 * What the caller passed after argv[0]. For a script the kernel has replaced
 * argv[0] by the interpreter, perhaps one argument of the #! line, and the path
 * of the script: the caller's arguments follow that path.
 */
export function callersArguments(argv: readonly string[], filename: string, isScript: boolean): string[] {
  if (!isScript) return argv.slice(1);
  const script = argv.slice(0, SCRIPT_ARGUMENTS).indexOf(filename, 1);
  return argv.slice(script === -1 ? 1 : script + 1);
}

/** Path in the event and bytes of each argument that is not UTF-8. */
function badArguments(args: Buffer): Record<string, string> {
  const bad: Record<string, string> = {};
  for (let start = 0, i = 0; start < args.length; i++) {
    const nul = args.indexOf(0, start);
    const end = nul === -1 ? args.length : nul;
    const piece = args.subarray(start, end);
    if (!isUtf8(piece)) bad[`argv[${i}]`] = piece.toString('base64');
    start = end + 1;
  }
  return bad;
}
