import { constants } from 'node:os';
import type { Clock } from '../../stream/clock.ts';
import { EXIT } from './record.ts';

// Reversed, so that of two names for one number the first one stays: SIGABRT, not SIGIOT.
const SIGNAL_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.signals)
    .reverse()
    .map(([name, number]) => [number, name]),
);

// Offsets in words, as in ExecLines.
const SECONDS = EXIT.seconds >>> 2;
const NANOSECONDS = EXIT.nanoseconds >>> 2;
const PID = EXIT.pid >>> 2;
const STATUS = EXIT.status >>> 2;
const START_TIME = EXIT.start_time >>> 2;

/**
 * Writes the exit record at `at` (a multiple of 4) as a line, newline included. Without an object for each event: as in
 * ExecLines, each step counts here.
 */
export function exitLine(words: Uint32Array, at: number, seq: number, clock: Clock): string {
  const w = at >>> 2;
  const seconds = words[w + SECONDS] as number;
  const nanoseconds = words[w + NANOSECONDS] as number;
  const when = clock.fromBoot(seconds, nanoseconds);
  const startTime = (words[w + START_TIME] as number) + (words[w + START_TIME + 1] as number) * 0x1_0000_0000;
  const status = words[w + STATUS] as number;
  // The status as wait(2) gives it: a signal in the low seven bits, else the exit code above them.
  const signal = status & 0x7f;
  const how =
    signal === 0
      ? ',"exit_code":' + ((status >>> 8) & 0xff)
      : ',"signal":"' + (SIGNAL_NAMES.get(signal) ?? `SIG${signal}`) + '"';
  const runTime = seconds * 1_000_000 + Math.floor(nanoseconds / 1000) - startTime;
  return (
    '{"type":"exit","pid":' +
    words[w + PID] +
    ',"timestamp":' +
    when.seconds +
    ',"time":"' +
    clock.format(when) +
    '","start_time":' +
    startTime +
    how +
    ',"run_time":' +
    runTime +
    ',"source":"ebpf","seq":' +
    seq +
    '}\n'
  );
}
