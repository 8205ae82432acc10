import type { Libc } from './ffi/libc.ts';

/** clock_gettime(2) ids. */
const CLOCK_REALTIME = 0;
const CLOCK_BOOTTIME = 7;

const NS = 1_000_000_000;

/** A moment: whole seconds and nanoseconds. Since boot or since 1970, as the name of the variable says. */
export interface Moment {
  seconds: number;
  nanoseconds: number;
}

/** The difference between the wall clock and the boot clock, now. Kept for a whole boot, so that a stepped wall clock reorders nothing. */
export function readBootEpoch(libc: Libc): Moment {
  const boot = libc.clock(CLOCK_BOOTTIME);
  const wall = libc.clock(CLOCK_REALTIME);
  const nanoseconds = wall.nanoseconds - boot.nanoseconds;
  const borrow = nanoseconds < 0 ? 1 : 0;
  return { seconds: wall.seconds - boot.seconds - borrow, nanoseconds: nanoseconds + borrow * NS };
}

/** Turns moments of the boot clock into times. */
export class Clock {
  readonly #libc: Libc;
  readonly #epoch: Moment;
  #second = Number.NaN;
  #text = '';

  constructor(libc: Libc, epoch: Moment) {
    this.#libc = libc;
    this.#epoch = epoch;
  }

  /** The boot clock, time asleep included. */
  boot(): Moment {
    return this.#libc.clock(CLOCK_BOOTTIME);
  }

  wall(): Moment {
    return this.#libc.clock(CLOCK_REALTIME);
  }

  /** Unix time of a moment after boot. */
  fromBoot(seconds: number, nanoseconds: number): Moment {
    const sum = nanoseconds + this.#epoch.nanoseconds;
    const carry = sum >= NS ? 1 : 0;
    return { seconds: seconds + this.#epoch.seconds + carry, nanoseconds: sum - carry * NS };
  }

  /** RFC 3339 in UTC with nanoseconds. The text of the last second is kept, since events come in bursts. */
  format({ seconds, nanoseconds }: Moment): string {
    if (seconds !== this.#second) {
      this.#second = seconds;
      this.#text = new Date(seconds * 1000).toISOString().slice(0, 20);
    }
    // A leading 1 that is cut off again pads with zeros in one step.
    return `${this.#text}${String(1e9 + nanoseconds).slice(1)}Z`;
  }

  /** The time of every event's clock, now. */
  now(): string {
    const { seconds, nanoseconds } = this.boot();
    return this.format(this.fromBoot(seconds, nanoseconds));
  }
}
