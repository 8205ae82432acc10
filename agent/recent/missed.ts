/** Why a reader does not get lines: it read too slowly, asked for fewer a second, or a line was too long to hold. */
export type MissedCause = 'slow_reader' | 'rate' | 'too_long';

/** A line that stands for lines that this reader does not get; outputs get them. */
export interface MissedEvent {
  readonly type: 'missed';
  readonly count: number;
  readonly cause: MissedCause;
}

/** That line, as bytes. */
export function missedLine(count: number, cause: MissedCause): { memory: Buffer; start: number; end: number } {
  const event: MissedEvent = { type: 'missed', count, cause };
  const memory = Buffer.from(`${JSON.stringify(event)}\n`);
  return { memory, start: 0, end: memory.length };
}
