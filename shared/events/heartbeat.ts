import { count, instant, oneOf, type Fields } from './fields.ts';

/** The source is alive: distinguishes a quiet machine from a blind sensor. */
export interface HeartbeatEvent {
  type: 'heartbeat';
  /** Boot clock plus boot epoch, the clock of every event. */
  time: string;
  /** The wall clock at the same moment. `time` follows it to within some 10 ms. */
  wall_clock: string;
  /** Microseconds since boot, including time asleep. */
  boot_clock: number;
  /**
   * Events that the kernel has counted since the probe was loaded, including those in its ring. Once they are sent,
   * `last_seq - first_seq + 1` is the same number.
   */
  kernel_count: number;
  /** Of those, events for which the kernel had no room: each is part of a `gap`. */
  kernel_lost: number;
  /** The newest number used so far. Less than `first_seq` of `hello` while there was no event. */
  last_seq: number;
}

export const HEARTBEAT_FIELDS: Fields<HeartbeatEvent> = {
  type: oneOf('heartbeat'),
  time: instant,
  wall_clock: instant,
  boot_clock: count,
  kernel_count: count,
  kernel_lost: count,
  last_seq: count,
};
export const HEARTBEAT_REQUIRED = [
  'time',
  'wall_clock',
  'boot_clock',
  'kernel_count',
  'kernel_lost',
  'last_seq',
] as const;

export const HEARTBEAT_EXAMPLE: HeartbeatEvent = {
  type: 'heartbeat',
  time: '2023-03-15T13:20:05.000000000Z',
  wall_clock: '2023-03-15T13:20:05.000000412Z',
  boot_clock: 7306876001,
  kernel_count: 2118,
  kernel_lost: 64,
  last_seq: 7302184,
};
