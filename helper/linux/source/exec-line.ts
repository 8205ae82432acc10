import { isUtf8 } from 'node:buffer';
import { constants } from 'node:os';
import type { Clock } from '../../stream/clock.ts';
import type { LineBuilder } from '../../stream/stream.ts';
import { MAX_ENV_LINE_SHARE } from '../../limits.ts';
import { afterFirst, afterScript, argumentList, encodeArguments, rawArguments } from './arguments.ts';
import { ENVIRONMENT_CUT, EnvironmentPicker, NO_ENVIRONMENT, type EnvironmentText } from './environment.ts';
import {
  COMM_BYTES,
  EVENT,
  EVENT_BYTES,
  FLAG_ARGV_CUT,
  FLAG_ENV_CUT,
  FLAG_NAMES,
  FLAG_SCRIPT,
  KIND,
  NO_FD,
} from './record.ts';
import { SurroundingsReader, type Surroundings } from './surroundings.ts';

/** Flags that become names in `flags`; the argument flag has a field of its own. */
const NAMED_FLAGS = [...FLAG_NAMES.keys()].reduce((mask, bit) => mask | (1 << bit), 0);

// Reversed, so that of two names for one number the first one stays: EAGAIN, not EWOULDBLOCK.
const ERROR_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno)
    .reverse()
    .map(([name, number]) => [number, name]),
);

/** Arguments that fit any line, whatever they hold. */
const SHORT_ARGUMENTS_BYTES = 4096;
/** The same of an environment, in characters of JSON. */
const SHORT_ENVIRONMENT = 1024;

const TWO_32 = 0x1_0000_0000;
const REPLACEMENT = '\ufffd';

/**
 * Writes exec records as lines of JSON. Speed counts here, and this code runs
 * without a just-in-time compiler: each step is one call of a built-in over as
 * many bytes as possible, and the line is put together as text.
 */
export class ExecLines {
  readonly #clock: Clock;
  readonly #surroundings: SurroundingsReader;
  readonly #environment: EnvironmentPicker;
  readonly #flags = new Map<number, string>([[0, '']]);

  /**
   * @param ownNamespaces inode numbers in the order of NAMESPACES; equal ones are left out of events
   * @param variables the names of `--env`
   */
  constructor(clock: Clock, ownNamespaces: readonly number[], variables: readonly string[] = []) {
    this.#clock = clock;
    this.#surroundings = new SurroundingsReader(ownNamespaces);
    this.#environment = new EnvironmentPicker(variables);
  }

  /** Whether lines have variables of the environment. */
  get readsEnvironment(): boolean {
    return this.#environment.isOn;
  }

  /**
   * @param words the record's memory, and `bytes` the same
   * @param at offset of the record in bytes, a multiple of 8
   * @param args all arguments as the kernel has them, each with its NUL; undefined: those in the record
   * @param cut whether some are missing
   * @param env the environment, each variable with its NUL, and whether some is missing; undefined: that in the record
   */
  build(
    words: Uint32Array,
    bytes: Buffer,
    at: number,
    args: Buffer | undefined,
    cut: boolean,
    env?: { readonly bytes: Buffer; readonly cut: boolean },
  ): LineBuilder {
    const w = at >>> 2;
    const around = this.#surroundings.read(words, bytes, at);
    const kind = (words[w] as number) >>> 16;
    const flags = words[w + (EVENT.flags >>> 2)] as number;
    const pid = words[w + (EVENT.pid >>> 2)] as number;
    const startTime =
      (words[w + (EVENT.start_time >>> 2)] as number) + (words[w + (EVENT.start_time >>> 2) + 1] as number) * TWO_32;
    const when = this.#clock.fromBoot(
      words[w + (EVENT.seconds >>> 2)] as number,
      words[w + (EVENT.nanoseconds >>> 2)] as number,
    );
    const isCut = cut || (flags & FLAG_ARGV_CUT) !== 0;

    const nameAt = at + EVENT_BYTES + around.pathBytes;
    const argsAt = nameAt + (words[w + (EVENT.filename_bytes >>> 2)] as number);
    let filename = argsAt === nameAt ? '' : bytes.utf8Slice(nameAt, argsAt - 1);
    const comm = bytes.utf8Slice(at + EVENT.comm, commEnd(bytes, at + EVENT.comm));
    // Valid text may hold U+FFFD itself; only then are the bytes looked at.
    let raw = around.raw;
    const fd = words[w + (EVENT.fd >>> 2)] as number;
    const prefix = fd === NO_FD ? '' : `/dev/fd/${fd | 0}${filename === '' ? '' : '/'}`;
    if (filename.includes(REPLACEMENT)) {
      raw = keep(raw, 'filename', Buffer.concat([Buffer.from(prefix), bytes.subarray(nameAt, argsAt - 1)]));
    }
    filename = prefix + filename;
    if (comm.includes(REPLACEMENT))
      raw = keep(raw, 'comm', bytes.subarray(at + EVENT.comm, commEnd(bytes, at + EVENT.comm)));

    let type = 'exec';
    let asked = JSON.stringify(filename);
    let name = `,"filename":${asked}`;
    let end = ',"source":"ebpf"';
    let argvBytes = words[w + (EVENT.argv_bytes >>> 2)] as number;
    if (kind === KIND.failed) {
      const error = words[w + (EVENT.error >>> 2)] as number;
      type = 'exec_failed';
      // A path without components is the root, and not that of a descriptor that does not exist.
      const fdPath = around.fdPath ?? (fd === NO_FD || error === constants.errno.EBADF ? undefined : '/');
      if (fdPath !== undefined) name += `,"fd_path":${JSON.stringify(fdPath)}`;
      end = `,"error":"${ERROR_NAMES.get(error) ?? `E${error}`}","source":"ebpf"`;
    } else if (kind === KIND.snapshot) {
      // How a running process was once asked for is not known; its image is.
      asked = JSON.stringify(around.exe);
      name = '';
      end = ',"source":"snapshot"';
      argvBytes = args?.length ?? 0;
    }
    const time = `,"time":"${this.#clock.format(when)}"${around.who}${name}`;
    const rest = `${around.cwd},"comm":${JSON.stringify(comm)},"start_time":${startTime}${around.where}${this.#flagNames(flags)}${around.parent}${end}}\n`;
    const argsBytes = args ?? bytes;
    const from = args === undefined ? argsAt : 0;
    const length = args === undefined ? (words[w + (EVENT.args_bytes >>> 2)] as number) : args.length;
    const askedText = asked.slice(1, -1);
    const envAt = argsAt + (words[w + (EVENT.args_bytes >>> 2)] as number);
    const envBytes = words[w + (EVENT.env_bytes >>> 2)] as number;
    const isEnvCut = (flags & FLAG_ENV_CUT) !== 0;
    const environment =
      kind !== KIND.exec || !this.#environment.isOn
        ? NO_ENVIRONMENT
        : env === undefined
          ? this.#environment.pick(bytes, envAt, envAt + envBytes, isEnvCut)
          : this.#environment.pick(env.bytes, 0, env.bytes.length, isEnvCut || env.cut);
    const isScript = (flags & FLAG_SCRIPT) !== 0;

    return (seq, roomFor) => {
      // Asked only where it can matter: it is not free, and nearly all lines are short.
      const isShort = length <= SHORT_ARGUMENTS_BYTES && environment.text.length <= SHORT_ENVIRONMENT;
      const room = isShort ? Number.POSITIVE_INFINITY : roomFor();
      const { text: envText, raw: envRaw } = fitting(environment, room);
      const rawRest = envRaw === undefined ? raw : { ...raw, ...envRaw };
      for (let kept = length, whole = !isCut; ; kept >>= 1, whole = false) {
        // Find out before the rest of the work whether it cannot fit.
        if (kept > room) continue;
        const block = argsBytes.utf8Slice(from, from + kept);
        const encoded = encodeArguments(block);
        if (encoded.length > room) continue;
        const rawArgs = block.includes(REPLACEMENT) ? rawArguments(argsBytes.subarray(from, from + kept)) : undefined;
        const allRaw = rawArgs === undefined ? rawRest : { ...rawArgs, ...rawRest };
        const built =
          `{"pid":${pid},"command":"${askedText}${isScript ? afterScript(encoded, askedText) : afterFirst(encoded)}","timestamp":${when.seconds}` +
          `,"type":"${type}","seq":${seq}${time},"argv":${argumentList(encoded, block)},"argv_bytes":${argvBytes}` +
          `${whole ? '' : ',"argv_truncated":true'}${envText}${allRaw === undefined ? '' : `,"raw":${JSON.stringify(allRaw)}`}${rest}`;
        if (built.length * 3 <= room || Buffer.byteLength(built) <= room || kept === 0) return built;
      }
    };
  }

  #flagNames(flags: number): string {
    const named = flags & NAMED_FLAGS;
    let text = this.#flags.get(named);
    if (text === undefined) {
      const names = [...FLAG_NAMES].filter(([bit]) => (named & (1 << bit)) !== 0).map(([, name]) => name);
      text = `,"flags":${JSON.stringify(names)}`;
      this.#flags.set(named, text);
    }
    return text;
  }
}

/** The environment, or that it is left out, where it would take more than its share of the room. */
function fitting(environment: EnvironmentText, room: number): EnvironmentText {
  const { text, raw } = environment;
  if (text === '' || room === Number.POSITIVE_INFINITY) return environment;
  const bytes = Buffer.byteLength(text) + (raw === undefined ? 0 : JSON.stringify(raw).length);
  return bytes <= room * MAX_ENV_LINE_SHARE ? environment : ENVIRONMENT_CUT;
}

function commEnd(bytes: Buffer, at: number): number {
  const nul = bytes.indexOf(0, at);
  return nul === -1 || nul > at + COMM_BYTES ? at + COMM_BYTES : nul;
}

function keep(raw: Surroundings['raw'], field: string, piece: Buffer): Surroundings['raw'] {
  return isUtf8(piece) ? raw : { ...raw, [field]: piece.toString('base64') };
}
