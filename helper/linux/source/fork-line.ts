import { isUtf8 } from 'node:buffer';
import type { ForkEvent } from '../../../shared/events/fork.ts';
import type { Clock } from '../../stream/clock.ts';
import type { LineBuilder } from '../../stream/stream.ts';
import { pathOf } from './paths.ts';
import { COMM_BYTES, EVENT, EVENT_BYTES, FLAG_EXE_CUT } from './record.ts';

/**
 * Writes the record of a fork as a line.
 * @param bytes the record, from its beginning on
 * @param word reads 32 bits at an offset of it
 */
export function forkLine(bytes: Buffer, word: (offset: number) => number, clock: Clock): LineBuilder {
  const when = clock.fromBoot(word(EVENT.seconds), word(EVENT.nanoseconds));
  const long = (offset: number): number => word(offset) + word(offset + 4) * 0x1_0000_0000;
  const isWhole = (word(EVENT.flags) & FLAG_EXE_CUT) === 0;
  const hasExe = word(EVENT.exe_bytes) > 0;
  const exe = pathOf(bytes.subarray(EVENT_BYTES, EVENT_BYTES + word(EVENT.exe_bytes)), isWhole);
  const name = bytes.subarray(EVENT.comm, EVENT.comm + COMM_BYTES);
  const end = name.indexOf(0);
  const comm = end === -1 ? name : name.subarray(0, end);
  const raw = {
    ...(hasExe && !isUtf8(exe) ? { exe: exe.toString('base64') } : {}),
    ...(isUtf8(comm) ? {} : { comm: comm.toString('base64') }),
  };
  const ppid = word(EVENT.ppid);
  const rest: Omit<ForkEvent, 'type' | 'pid' | 'timestamp' | 'seq'> = {
    time: clock.format(when),
    ppid,
    ...(hasExe ? { exe: exe.toString('utf8') } : {}),
    comm: comm.toString('utf8'),
    ...(Object.keys(raw).length === 0 ? {} : { raw }),
    start_time: long(EVENT.start_time),
    ...(isWhole ? {} : { flags: ['exe_truncated'] }),
    parent: { pid: ppid, start_time: long(EVENT.parent_start_time) },
    source: 'ebpf',
  };
  const pid = word(EVENT.pid);
  return (seq) =>
    `${JSON.stringify({ type: 'fork', pid, timestamp: when.seconds, seq, ...rest } satisfies ForkEvent)}\n`;
}
