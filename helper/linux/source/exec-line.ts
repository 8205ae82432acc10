import { MAX_ENV_LINE_SHARE } from '../../limits.ts';
import type { Clock } from '../../stream/clock.ts';
import type { LongLine } from '../../stream/long-line.ts';
import { afterFirst, afterScript, argumentList, encodeArguments, rawArguments } from './arguments.ts';
import { ENVIRONMENT_CUT, EnvironmentPicker, NO_ENVIRONMENT, type EnvironmentText } from './environment.ts';
import { encodeLong, firstBytes } from './long-arguments.ts';
import { EVENT, EVENT_BYTES, FLAG_ARGV_CUT, FLAG_ENV_CUT, FLAG_SCRIPT, KIND } from './record.ts';
import { Templates } from './template.ts';

/** Arguments that fit any line, whatever they hold. */
const SHORT_ARGUMENTS_BYTES = 4096;
/** The same of an environment, in characters of JSON. */
const SHORT_ENVIRONMENT = 1024;

const TWO_32 = 0x1_0000_0000;
const REPLACEMENT = '\ufffd';

// Offsets in words: a property and a shift for each read would take longer than the read.
const SECONDS = EVENT.seconds >>> 2;
const NANOSECONDS = EVENT.nanoseconds >>> 2;
const PID = EVENT.pid >>> 2;
const FLAGS = EVENT.flags >>> 2;
const START_TIME = EVENT.start_time >>> 2;
const ARGV_BYTES = EVENT.argv_bytes >>> 2;
const ARGS_BYTES = EVENT.args_bytes >>> 2;
const ENV_BYTES = EVENT.env_bytes >>> 2;

/**
 * Writes exec records as lines of JSON. Speed counts here, and this code runs without a just-in-time compiler: each step
 * is one call of a built-in over as many bytes as possible, and most of a line comes from a template
 * (docs/decisions/0053-processor-time-of-an-event.md).
 */
export class ExecLines {
  readonly #clock: Clock;
  readonly #templates: Templates;
  readonly #environment: EnvironmentPicker;

  /**
   * @param ownNamespaces inode numbers in the order of NAMESPACES; equal ones are left out of events
   * @param variables the names of `--env`
   */
  constructor(clock: Clock, ownNamespaces: readonly number[], variables: readonly string[] = []) {
    this.#clock = clock;
    this.#templates = new Templates(ownNamespaces);
    this.#environment = new EnvironmentPicker(variables);
  }

  /** Whether lines have variables of the environment. */
  get readsEnvironment(): boolean {
    return this.#environment.isOn;
  }

  /**
   * @param seq the number of the event
   * @param roomFor the most bytes that the line may have, as of LineBuilder
   * @param words the record's memory, and `bytes` the same
   * @param at offset of the record in bytes, a multiple of 8
   * @param args all arguments as the kernel has them, each with its NUL, in the order of their bytes; undefined: those in the record
   * @param cut whether some are missing
   * @param env the environment, each variable with its NUL, and whether some is missing; undefined: that in the record
   */
  line(
    seq: number,
    roomFor: () => number,
    words: Uint32Array,
    bytes: Buffer,
    at: number,
    args?: readonly Buffer[],
    cut = false,
    env?: { readonly bytes: Buffer; readonly cut: boolean },
  ): string | LongLine {
    const w = at >>> 2;
    const template = this.#templates.read(words, bytes, at);
    const flags = words[w + FLAGS] as number;
    const kind = (words[w] as number) >>> 16;
    const argsAt = at + EVENT_BYTES + template.stringBytes;
    const argsHere = words[w + ARGS_BYTES] as number;
    const length = args === undefined ? argsHere : bytesOf(args);
    const argvBytes = kind === KIND.snapshot ? length : (words[w + ARGV_BYTES] as number);
    let environment = NO_ENVIRONMENT;
    if (kind === KIND.exec && this.#environment.isOn) {
      const isCut = (flags & FLAG_ENV_CUT) !== 0;
      const envAt = argsAt + argsHere;
      environment =
        env === undefined
          ? this.#environment.pick(bytes, envAt, envAt + (words[w + ENV_BYTES] as number), isCut)
          : this.#environment.pick(env.bytes, 0, env.bytes.length, isCut || env.cut);
    }
    // Asked only where it can matter: it is not free, and nearly all lines are short.
    const isShort = length <= SHORT_ARGUMENTS_BYTES && environment.text.length <= SHORT_ENVIRONMENT;
    const room = isShort ? Number.POSITIVE_INFINITY : roomFor();
    if (!isShort) environment = fitting(environment, room);

    const when = this.#clock.fromBoot(words[w + SECONDS] as number, words[w + NANOSECONDS] as number);
    const begin = '{"pid":' + words[w + PID] + template.command;
    const middle =
      ',"timestamp":' + when.seconds + template.type + seq + ',"time":"' + this.#clock.format(when) + template.who;
    const end =
      template.comm +
      ((words[w + START_TIME] as number) + (words[w + START_TIME + 1] as number) * TWO_32) +
      template.end;
    const isScript = (flags & FLAG_SCRIPT) !== 0;
    const parts = args ?? (isShort ? undefined : [bytes.subarray(argsAt, argsAt + length)]);
    let isWhole = !cut && (flags & FLAG_ARGV_CUT) === 0;
    for (let kept = length; ; kept >>= 1, isWhole = false) {
      // Find out before the rest of the work whether it cannot fit.
      if (kept > room) continue;
      const some = parts === undefined || kept === length ? parts : firstBytes(parts, kept);
      let more = isWhole ? '' : ',"argv_truncated":true';
      if (some !== undefined && kept > SHORT_ARGUMENTS_BYTES) {
        const long = encodeLong(some, isScript ? bytewise(template.asked) : undefined, room);
        if (long === 'too long') continue;
        if (long !== undefined) {
          if (environment !== NO_ENVIRONMENT || template.raw !== undefined) more += extras(environment, template.raw);
          const head = Buffer.from(begin);
          const between = Buffer.from(middle);
          const rest = Buffer.from(',"argv_bytes":' + argvBytes + more + end);
          const total = head.length + between.length + rest.length + long.bytes;
          if (total > room) continue;
          return { bytes: total, pieces: [head, ...long.command, between, ...long.list, rest] };
        }
      }
      const argsBytes = some === undefined ? bytes : some.length === 1 ? (some[0] as Buffer) : Buffer.concat(some);
      const from = some === undefined ? argsAt : 0;
      const to = from + kept;
      const text = argsBytes.utf8Slice(from, kept > 0 && argsBytes[to - 1] === 0 ? to - 1 : to);
      const encoded = encodeArguments(text);
      if (encoded.length - 2 > room) continue;
      if (environment !== NO_ENVIRONMENT || template.raw !== undefined || text.includes(REPLACEMENT))
        more += extras(environment, template.raw, rawArguments(argsBytes.subarray(from, to)));
      const after = isScript ? afterScript(encoded, template.asked) : afterFirst(encoded);
      const line =
        begin + after + middle + argumentList(encoded, kept === 0) + ',"argv_bytes":' + argvBytes + more + end;
      if (isShort || line.length * 3 <= room || Buffer.byteLength(line) <= room || kept === 0) return line;
    }
  }
}

/** The environment, and all bytes that are not UTF-8. */
function extras(
  environment: EnvironmentText,
  ofTemplate: Readonly<Record<string, string>> | undefined,
  ofArguments?: Readonly<Record<string, string>>,
): string {
  const raw = { ...ofArguments, ...ofTemplate, ...environment.raw };
  return environment.text + (Object.keys(raw).length === 0 ? '' : ',"raw":' + JSON.stringify(raw));
}

function bytesOf(parts: readonly Buffer[]): number {
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  return bytes;
}

/** The same text in UTF-8, a character for each byte. */
function bytewise(text: string): string {
  const bytes = Buffer.from(text);
  return bytes.latin1Slice(0, bytes.length);
}

/** The environment, or that it is left out, where it would take more than its share of the room. */
function fitting(environment: EnvironmentText, room: number): EnvironmentText {
  const { text, raw } = environment;
  if (text === '' || room === Number.POSITIVE_INFINITY) return environment;
  const bytes = Buffer.byteLength(text) + (raw === undefined ? 0 : JSON.stringify(raw).length);
  return bytes <= room * MAX_ENV_LINE_SHARE ? environment : ENVIRONMENT_CUT;
}
