import { Clock } from '../../helper/stream/clock.ts';
import { linuxClocks } from '../../helper/linux/forward/clocks.ts';
import { ExecLines } from '../../helper/linux/source/exec-line.ts';
import type { LongLine } from '../../helper/stream/long-line.ts';
import type { ExecEvent, ExecFailedEvent } from '../../shared/events/exec.ts';
import { parseEvent } from './events.ts';
import { execRecord, OWN_NAMESPACES, type RecordFields } from './exec-record.ts';
import { FakeKernel } from './fake-kernel.ts';

export interface LineOptions {
  room?: number;
  seq?: number;
  /** All arguments, where the record holds but their beginning. */
  args?: Buffer;
  cut?: boolean;
}

/** The boot epoch of every test: record second 7302 is 2023-03-15T13:20:00Z. */
export const EPOCH = { seconds: 1_678_886_400 - 7302, nanoseconds: 0 };

/** @param variables the names of `--env` */
export const execLines = (variables: readonly string[] = []): ExecLines =>
  new ExecLines(new Clock(linuxClocks(new FakeKernel().libc), EPOCH), OWN_NAMESPACES, variables);

/** The line that a record becomes. The record lies somewhere in larger memory, as it does in the ring. */
export function lineOf(
  fields: RecordFields = {},
  { room = 1 << 20, seq = 1, args, cut = false }: LineOptions = {},
  lines = execLines(),
): string {
  const record = execRecord(fields);
  const at = 24;
  const memory = new ArrayBuffer(at + Math.ceil(record.length / 8) * 8 + 64);
  const bytes = Buffer.from(memory).fill(0x2f);
  record.copy(bytes, at);
  const argsEnd = at + record.length - (fields.env?.length ?? 0);
  const inRecord = bytes.subarray(argsEnd - (fields.args ?? Buffer.from('npm\0install\0')).length, argsEnd);
  return textOf(lines.line(seq, () => room, new Uint32Array(memory), bytes, at, [args ?? inRecord], cut));
}

/** A line as text, whichever way it was built. */
export function textOf(line: string | LongLine): string {
  if (typeof line === 'string') return line;
  const bytes = Buffer.concat(
    line.pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece)),
  );
  if (bytes.length !== line.bytes) throw new Error(`${bytes.length} bytes, and it says ${line.bytes}`);
  return bytes.toString();
}

/** The event that a record becomes, read back by the parser that every client has. */
export function eventOf(
  fields: RecordFields = {},
  options: LineOptions = {},
  lines = execLines(),
): ExecEvent | ExecFailedEvent {
  return parseEvent(lineOf(fields, options, lines).slice(0, -1)) as ExecEvent | ExecFailedEvent;
}
