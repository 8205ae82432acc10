import { constants } from 'node:os';
import type { ExitEvent } from '../../../shared/events/exit.ts';
import type { Clock } from '../../stream/clock.ts';
import type { LineBuilder } from '../../stream/stream.ts';
import { EXIT } from './record.ts';

// Reversed, so that of two names for one number the first one stays: SIGABRT, not SIGIOT.
const SIGNAL_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.signals)
    .reverse()
    .map(([name, number]) => [number, name]),
);

/** Writes an exit record as a line. `word` reads 32 bits at an offset of the record. */
export function exitLine(word: (offset: number) => number, clock: Clock): LineBuilder {
  const seconds = word(EXIT.seconds);
  const nanoseconds = word(EXIT.nanoseconds);
  const when = clock.fromBoot(seconds, nanoseconds);
  const startTime = word(EXIT.start_time) + word(EXIT.start_time + 4) * 0x1_0000_0000;
  const status = word(EXIT.status);
  // The status as wait(2) gives it: a signal in the low seven bits, else the exit code above them.
  const signal = status & 0x7f;
  const event: Omit<ExitEvent, 'seq'> = {
    type: 'exit',
    pid: word(EXIT.pid),
    timestamp: when.seconds,
    time: clock.format(when),
    start_time: startTime,
    ...(signal === 0 ? { exit_code: (status >>> 8) & 0xff } : { signal: SIGNAL_NAMES.get(signal) ?? `SIG${signal}` }),
    run_time: seconds * 1_000_000 + Math.floor(nanoseconds / 1000) - startTime,
    source: 'ebpf',
  };
  return (seq) => `${JSON.stringify({ ...event, seq })}\n`;
}
