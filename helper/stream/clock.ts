const NS = 1_000_000_000;

/** A moment: whole seconds and nanoseconds. Since boot or since 1970, as the name of the variable says. */
export interface Moment {
  seconds: number;
  nanoseconds: number;
}

/** A moment in whole microseconds. */
export function microseconds({ seconds, nanoseconds }: Moment): number {
  return seconds * 1_000_000 + Math.floor(nanoseconds / 1000);
}

/** The two clocks of a system. */
export interface SystemClocks {
  /** Since boot, time asleep included; never set back. */
  boot(): Moment;
  /** Unix time, which people and NTP may step. */
  wall(): Moment;
}

/** The difference between the wall clock and the boot clock, now. Kept for a whole boot, so that a stepped wall clock reorders nothing. */
export function readBootEpoch(clocks: SystemClocks): Moment {
  const boot = clocks.boot();
  const wall = clocks.wall();
  const nanoseconds = wall.nanoseconds - boot.nanoseconds;
  const borrow = nanoseconds < 0 ? 1 : 0;
  return { seconds: wall.seconds - boot.seconds - borrow, nanoseconds: nanoseconds + borrow * NS };
}

/** Turns moments of the boot clock into times. */
export class Clock {
  readonly #clocks: SystemClocks;
  readonly #epoch: Moment;
  #second = Number.NaN;
  #text = '';

  constructor(clocks: SystemClocks, epoch: Moment) {
    this.#clocks = clocks;
    this.#epoch = epoch;
  }

  /** The boot clock, time asleep included. */
  boot(): Moment {
    return this.#clocks.boot();
  }

  wall(): Moment {
    return this.#clocks.wall();
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
