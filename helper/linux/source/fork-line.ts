import { isAscii, isUtf8 } from 'node:buffer';
import type { Clock } from '../../stream/clock.ts';
import { joined } from './paths.ts';
import { COMM_BYTES, EVENT, EVENT_BYTES, FLAG_EXE_CUT } from './record.ts';

// Offsets in words, as in ExecLines.
const SECONDS = EVENT.seconds >>> 2;
const NANOSECONDS = EVENT.nanoseconds >>> 2;
const PID = EVENT.pid >>> 2;
const FLAGS = EVENT.flags >>> 2;
const START_TIME = EVENT.start_time >>> 2;
const PARENT_START_TIME = EVENT.parent_start_time >>> 2;
const PPID = EVENT.ppid >>> 2;
const EXE_BYTES = EVENT.exe_bytes >>> 2;

const TWO_32 = 0x1_0000_0000;

/** Writes the record of a fork at `at` (a multiple of 8) as a line, newline included. */
export function forkLine(words: Uint32Array, bytes: Buffer, at: number, seq: number, clock: Clock): string {
  const w = at >>> 2;
  const when = clock.fromBoot(words[w + SECONDS] as number, words[w + NANOSECONDS] as number);
  const isWhole = ((words[w + FLAGS] as number) & FLAG_EXE_CUT) === 0;
  const ppid = words[w + PPID];
  const name = namesOf(bytes, at, words[w + EXE_BYTES] as number, isWhole);
  return (
    '{"type":"fork","pid":' +
    words[w + PID] +
    ',"timestamp":' +
    when.seconds +
    ',"seq":' +
    seq +
    ',"time":"' +
    clock.format(when) +
    '","ppid":' +
    ppid +
    name +
    ',"start_time":' +
    ((words[w + START_TIME] as number) + (words[w + START_TIME + 1] as number) * TWO_32) +
    (isWhole ? '' : ',"flags":["exe_truncated"]') +
    ',"parent":{"pid":' +
    ppid +
    ',"start_time":' +
    ((words[w + PARENT_START_TIME] as number) + (words[w + PARENT_START_TIME + 1] as number) * TWO_32) +
    '},"source":"ebpf"}\n'
  );
}

/** From `exe` to `raw`. */
function namesOf(bytes: Buffer, at: number, exeBytes: number, isWhole: boolean): string {
  const raw: Record<string, string> = {};
  const text = (field: string, latin1: string): string => {
    const piece = Buffer.from(latin1, 'latin1');
    // Of ASCII, which nearly all names are, a character for each byte is the text.
    if (isAscii(piece)) return latin1;
    if (!isUtf8(piece)) raw[field] = piece.toString('base64');
    return piece.toString('utf8');
  };
  const exeAt = at + EVENT_BYTES;
  const exe = exeBytes === 0 ? undefined : text('exe', joined(bytes.latin1Slice(exeAt, exeAt + exeBytes), isWhole));
  const padded = bytes.latin1Slice(at + EVENT.comm, at + EVENT.comm + COMM_BYTES);
  const nul = padded.indexOf('\0');
  const comm = text('comm', nul === -1 ? padded : padded.slice(0, nul));
  return (
    (exe === undefined ? '' : ',"exe":' + JSON.stringify(exe)) +
    ',"comm":' +
    JSON.stringify(comm) +
    (Object.keys(raw).length === 0 ? '' : ',"raw":' + JSON.stringify(raw))
  );
}
