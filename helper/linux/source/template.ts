import { isAscii, isUtf8 } from 'node:buffer';
import { constants } from 'node:os';
import { TEMPLATE_CACHE_BYTES, TEMPLATE_CACHE_ENTRIES, TEMPLATE_CACHE_UNITS } from '../../limits.ts';
import { containerId, joined } from './paths.ts';
import {
  COMM_BYTES,
  EVENT,
  EVENT_BYTES,
  FLAG_CGROUP_CUT,
  FLAG_CWD_CUT,
  FLAG_EXE_CUT,
  FLAG_FD_PATH_CUT,
  FLAG_NAMES,
  FLAG_PARENT_EXE_CUT,
  KIND,
  NAMESPACES,
  NO_FD,
  NO_UID,
} from './record.ts';

/** Flags that become names in `flags`; the argument flag has a field of its own. */
const NAMED_FLAGS = [...FLAG_NAMES.keys()].reduce((mask, bit) => mask | (1 << bit), 0);

// Reversed, so that of two names for one number the first one stays: EAGAIN, not EWOULDBLOCK.
const ERROR_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno)
    .reverse()
    .map(([name, number]) => [number, name]),
);

const TWO_32 = 0x1_0000_0000;

// Offsets in words: a property and a shift for each read would take longer than the read.
const FLAGS = EVENT.flags >>> 2;
const ERROR = EVENT.error >>> 2;
const COMM = EVENT.comm >>> 2;
const FILENAME_BYTES = EVENT.filename_bytes >>> 2;
const PARENT_START_TIME = EVENT.parent_start_time >>> 2;
const PPID = EVENT.ppid >>> 2;
const UID = EVENT.uid >>> 2;
const SESSION_ID = EVENT.session_id >>> 2;
const EXE_BYTES = EVENT.exe_bytes >>> 2;
const CWD_BYTES = EVENT.cwd_bytes >>> 2;
const PARENT_EXE_BYTES = EVENT.parent_exe_bytes >>> 2;
const FD_PATH_BYTES = EVENT.fd_path_bytes >>> 2;
const CGROUP_BYTES = EVENT.cgroup_bytes >>> 2;

/**
 * The parts of a line that do not change when the same program is executed again by the same user in the same place.
 * Its numbers, its time and its arguments stand between them.
 */
export class Template {
  /** From behind `pid` to the path in `command`, without its closing quote. */
  readonly command: string;
  /** `type`, and the name of `seq`. */
  readonly type: string;
  /** From the end of `time` to the name of `argv`. Changes with the parent. */
  who = '';
  /** From `cwd` to the name of `start_time`. */
  readonly comm: string;
  /** From `cgroup` to the end of the line. Changes with the parent. */
  end = '';
  /** The path in `command`, in the spelling of JSON, without quotes. */
  readonly asked: string;
  /** Path in the event and bytes of each string that is not UTF-8; undefined when all are. */
  readonly raw: Readonly<Record<string, string>> | undefined;
  /** Bytes of the paths and the filename: the arguments follow them. */
  readonly stringBytes: number;

  /** The record's memory from `uid` to the end of the filename, a character for each byte. */
  readonly key: string;
  /** Further words of the record that the text depends on, as is the key. */
  readonly kind: number;
  readonly flags: number;
  readonly error: number;
  readonly comm0: number;
  readonly comm1: number;
  readonly comm2: number;
  readonly comm3: number;
  /** The parent that `who` and `end` have. */
  parentStartLow = 0;
  parentStartHigh = 0;
  ppid = 0;
  readonly #pieces: Pieces;

  /**
   * @param own inode numbers of the helper's namespaces, in the order of NAMESPACES
   * @param form how its texts are put together: `flat` for one that may be kept
   */
  constructor(
    words: Uint32Array,
    bytes: Buffer,
    at: number,
    key: string,
    own: readonly number[],
    form: (text: string) => string,
  ) {
    const w = at >>> 2;
    this.key = key;
    this.stringBytes = key.length - (EVENT_BYTES - EVENT.uid);
    this.kind = words[w] as number;
    this.flags = words[w + FLAGS] as number;
    this.error = words[w + ERROR] as number;
    this.comm0 = words[w + COMM] as number;
    this.comm1 = words[w + COMM + 1] as number;
    this.comm2 = words[w + COMM + 2] as number;
    this.comm3 = words[w + COMM + 3] as number;
    const pieces = spell((offset) => words[(at + offset) >>> 2] as number, bytes, at, key, own);
    this.#pieces = pieces;
    this.command = form(`,"command":"${pieces.asked}`);
    this.type = `,"type":"${pieces.type}","seq":`;
    this.comm = form(`${pieces.cwd},"comm":${pieces.comm},"start_time":`);
    this.asked = pieces.asked;
    this.raw = pieces.raw;
    this.follow(words, w, form);
  }

  /** Takes the parent from the record at word `w`. */
  follow(words: Uint32Array, w: number, form = flat): void {
    const ppid = words[w + PPID] as number;
    const low = words[w + PARENT_START_TIME] as number;
    const high = words[w + PARENT_START_TIME + 1] as number;
    this.ppid = ppid;
    this.parentStartLow = low;
    this.parentStartHigh = high;
    const { ids, name, where, parentExe, source } = this.#pieces;
    const parent = ppid === 0 ? '' : `,"parent":{"pid":${ppid},"start_time":${low + high * TWO_32}${parentExe}}`;
    // Begins with the closing quote of `time`: one piece less to put together for each event.
    this.who = form(`","ppid":${ppid}${ids}${name},"argv":`);
    this.end = form(`${where}${parent}${source}}\n`);
  }

  /** UTF-16 units of all its texts, without the key. */
  get units(): number {
    return this.command.length + this.who.length + this.comm.length + this.end.length;
  }
}

/**
 * Makes the templates of records, and keeps those that were needed again. They are found by the bytes that they are made of:
 * an exec of a known program costs one comparison of these instead of decoding and spelling each string.
 */
export class Templates {
  readonly #own: readonly number[];
  /**
   * A place for each template, by some bits of its record; a newcomer takes the place of whatever is there. A Map would
   * have to hash all bytes of the key, which takes longer than to compare them once.
   */
  readonly #places: (Template | undefined)[];
  /**
   * By place: the bits of the record that was missed there last. Only one that is missed twice in a row is kept. Where each
   * exec is of another program, none is, and so none grows old in V8's heap.
   */
  readonly #missed: Int32Array;
  readonly #mask: number;

  /**
   * @param ownNamespaces inode numbers in the order of NAMESPACES; equal ones are left out of events
   * @param entries that are kept, a power of two
   */
  constructor(ownNamespaces: readonly number[], entries = TEMPLATE_CACHE_ENTRIES) {
    this.#own = ownNamespaces;
    this.#places = Array.from({ length: entries });
    this.#missed = new Int32Array(entries);
    this.#mask = entries - 1;
  }

  /** Of the record at `at` (a multiple of 8) in this memory. Valid until the next call. */
  read(words: Uint32Array, bytes: Buffer, at: number): Template {
    const w = at >>> 2;
    const exeBytes = words[w + EXE_BYTES] as number;
    const cwdAt = at + EVENT_BYTES + exeBytes;
    const end =
      cwdAt +
      (words[w + CWD_BYTES] as number) +
      (words[w + PARENT_EXE_BYTES] as number) +
      (words[w + FD_PATH_BYTES] as number) +
      (words[w + CGROUP_BYTES] as number) +
      (words[w + FILENAME_BYTES] as number);
    const bits =
      (words[w + COMM] as number) ^
      ((words[w + COMM + 1] as number) << 3) ^
      ((words[w + UID] as number) << 5) ^
      ((words[w + SESSION_ID] as number) << 2) ^
      ((end - at) << 7) ^
      ((words[cwdAt >>> 2] as number) << 1);
    const place = (bits ^ (bits >>> 9) ^ (bits >>> 18)) & this.#mask;
    const key = bytes.latin1Slice(at + EVENT.uid, end);
    const known = this.#places[place];
    // In one expression, and not in methods of Template: a call costs as much as four comparisons.
    if (
      known !== undefined &&
      key === known.key &&
      words[w] === known.kind &&
      words[w + FLAGS] === known.flags &&
      words[w + COMM] === known.comm0 &&
      words[w + COMM + 1] === known.comm1 &&
      words[w + COMM + 2] === known.comm2 &&
      words[w + COMM + 3] === known.comm3 &&
      words[w + ERROR] === known.error
    ) {
      if (
        words[w + PPID] !== known.ppid ||
        words[w + PARENT_START_TIME] !== known.parentStartLow ||
        words[w + PARENT_START_TIME + 1] !== known.parentStartHigh
      )
        known.follow(words, w);
      return known;
    }
    const isAgain = this.#missed[place] === bits;
    this.#missed[place] = bits;
    const fresh = new Template(words, bytes, at, key, this.#own, isAgain ? flat : asItIs);
    if (!isAgain) return fresh;
    // Text with bytes that are not UTF-8 is rare, and `raw` has no bound of its own.
    const isKept =
      fresh.raw === undefined && fresh.stringBytes <= TEMPLATE_CACHE_BYTES && fresh.units <= TEMPLATE_CACHE_UNITS;
    if (isKept) this.#places[place] = fresh;
    return fresh;
  }
}

/** The same text in one piece of memory: V8 keeps a concatenation as a tree, which would be walked for each line. */
function flat(text: string): string {
  return Buffer.from(text).toString();
}

/** For the text of a single line: that is walked once in any case. */
function asItIs(text: string): string {
  return text;
}

/** The strings of a record, as pieces of its line. */
interface Pieces {
  readonly type: string;
  readonly asked: string;
  /** From `uid` to `exe`. */
  readonly ids: string;
  /** `filename` and `fd_path`. */
  readonly name: string;
  readonly cwd: string;
  readonly comm: string;
  /** `cgroup`, `container_id`, `ns` and `flags`. */
  readonly where: string;
  /** `exe` in `parent`. */
  readonly parentExe: string;
  /** `error` and `source`. */
  readonly source: string;
  readonly raw: Template['raw'];
}

/** @param key as of Template: has the strings with a character for each byte */
function spell(
  word: (offset: number) => number,
  bytes: Buffer,
  at: number,
  key: string,
  own: readonly number[],
): Pieces {
  const kind = word(0) >>> 16;
  const flags = word(EVENT.flags);
  let end = EVENT_BYTES - EVENT.uid;
  // Of ASCII, which nearly all names are, a character for each byte is the text.
  const areAscii = isAscii(bytes.subarray(at + EVENT_BYTES, at + EVENT.uid + key.length));
  const raw: Record<string, string> = {};
  const text = (field: string, latin1: string, isText = areAscii): string => {
    if (isText) return latin1;
    const piece = Buffer.from(latin1, 'latin1');
    if (!isUtf8(piece)) raw[field] = piece.toString('base64');
    return piece.toString('utf8');
  };
  const next = (field: string, lengthAt: number, cut: number): string => {
    const start = end;
    end += word(lengthAt);
    return text(field, joined(key.slice(start, end), (flags & cut) === 0));
  };
  const exe = next('exe', EVENT.exe_bytes, FLAG_EXE_CUT);
  const cwd = next('cwd', EVENT.cwd_bytes, FLAG_CWD_CUT);
  const parentExe = next('parent.exe', EVENT.parent_exe_bytes, FLAG_PARENT_EXE_CUT);
  const fdPath = next('fd_path', EVENT.fd_path_bytes, FLAG_FD_PATH_CUT);
  const cgroup = next('cgroup', EVENT.cgroup_bytes, FLAG_CGROUP_CUT);
  const hasExe = word(EVENT.exe_bytes) > 0;
  const container = containerId(cgroup);

  const fd = word(EVENT.fd);
  const nameBytes = Math.max(0, word(EVENT.filename_bytes) - 1);
  const prefix = fd === NO_FD ? '' : `/dev/fd/${fd | 0}${nameBytes === 0 ? '' : '/'}`;
  const filename = text('filename', prefix + key.slice(end, end + nameBytes));
  const commBytes = bytes.latin1Slice(at + EVENT.comm, at + EVENT.comm + COMM_BYTES);
  const nul = commBytes.indexOf('\0');

  const unless = (name: string, value: number, none: number): string => (value === none ? '' : `,"${name}":${value}`);
  let namespaces = '';
  for (let i = 0; i < NAMESPACES.length; i++) {
    const inode = word(EVENT.ns + 4 * i);
    if (inode !== own[i]) namespaces += `${namespaces === '' ? '' : ','}"${NAMESPACES[i]}":${inode}`;
  }
  const named = flags & NAMED_FLAGS;
  const names = named === 0 ? [] : [...FLAG_NAMES].filter(([bit]) => (named & (1 << bit)) !== 0);
  const comm = JSON.stringify(text('comm', nul === -1 ? commBytes : commBytes.slice(0, nul), false));

  let type = 'exec';
  let asked = JSON.stringify(filename);
  let name = `,"filename":${asked}`;
  let source = ',"source":"ebpf"';
  if (kind === KIND.failed) {
    const error = word(EVENT.error);
    type = 'exec_failed';
    if (word(EVENT.fd_path_bytes) > 0) name += `,"fd_path":${JSON.stringify(fdPath)}`;
    // A path without components is the root, and not that of a descriptor that does not exist.
    else if (fd !== NO_FD && error !== constants.errno.EBADF) name += ',"fd_path":"/"';
    source = `,"error":"${ERROR_NAMES.get(error) ?? `E${error}`}","source":"ebpf"`;
  } else if (kind === KIND.snapshot) {
    // How a running process was once asked for is not known; its image is.
    asked = hasExe ? JSON.stringify(exe) : '""';
    name = '';
    source = ',"source":"snapshot"';
  }
  return {
    type,
    asked: asked.slice(1, -1),
    ids:
      `,"uid":${word(EVENT.uid)},"gid":${word(EVENT.gid)},"euid":${word(EVENT.euid)},"egid":${word(EVENT.egid)}` +
      unless('loginuid', word(EVENT.loginuid), NO_UID) +
      unless('session_id', word(EVENT.session_id), 0) +
      unless('tty', word(EVENT.tty), 0) +
      (hasExe ? `,"exe":${JSON.stringify(exe)}` : ''),
    name,
    cwd: `,"cwd":${JSON.stringify(cwd)}`,
    comm,
    where:
      `,"cgroup":${JSON.stringify(cgroup)}` +
      (container === undefined ? '' : `,"container_id":"${container}"`) +
      (namespaces === '' ? '' : `,"ns":{${namespaces}}`) +
      (names.length === 0 ? '' : `,"flags":${JSON.stringify(names.map(([, flag]) => flag))}`),
    parentExe: word(EVENT.parent_exe_bytes) > 0 ? `,"exe":${JSON.stringify(parentExe)}` : '',
    source,
    raw: Object.keys(raw).length === 0 ? undefined : raw,
  };
}
