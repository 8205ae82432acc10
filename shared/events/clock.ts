import { count, instant, oneOf, type Fields } from './fields.ts';

/** The wall clock was stepped, and event times go over to it. It stands for nothing that was counted and has no number. */
export interface ClockEvent {
  type: 'clock';
  /** When it was noticed, by the new time. */
  time: string;
  /** The same moment by the time that events carried before. */
  from: string;
  /** The same moment by the wall clock, which is what events carry from here on. */
  to: string;
  /** The number of the next event: none before it carries the new time. */
  from_seq: number;
  /** Microseconds since boot: an event from before this moment carries the old time, whatever its number. Absent: none does. */
  since?: number;
}

export const CLOCK_FIELDS: Fields<ClockEvent> = {
  type: oneOf('clock'),
  time: instant,
  from: instant,
  to: instant,
  from_seq: count,
  since: count,
};
export const CLOCK_REQUIRED = ['time', 'from', 'to', 'from_seq'] as const;

export const CLOCK_EXAMPLE: ClockEvent = {
  type: 'clock',
  time: '2023-03-16T13:20:04.500000000Z',
  from: '2023-03-15T13:20:04.500000211Z',
  to: '2023-03-16T13:20:04.500000000Z',
  from_seq: 7302185,
  since: 7306336001,
};
