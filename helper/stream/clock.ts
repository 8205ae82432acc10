import { CLOCK_FOLLOW_MS, CLOCK_STEP_MS } from '../limits.ts';

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

/** The difference between the wall clock and the boot clock, now. */
export function readBootEpoch(clocks: SystemClocks): Moment {
  return difference(clocks.boot(), clocks.wall());
}

/** The wall clock was stepped. */
export interface ClockStep {
  /** Unix time of the look that noticed it, by the difference that held before. */
  readonly from: Moment;
  /** The same moment by the wall clock. */
  readonly to: Moment;
  /** On the boot clock, the last look at which the old difference still held; undefined where this process had not looked before. */
  readonly since: Moment | undefined;
}

/**
 * Turns moments of the boot clock into times: the boot clock plus its difference to the wall
 * clock. Follows a drifting wall clock silently, and reports a step.
 */
export class Clock {
  readonly #clocks: SystemClocks;
  #epoch: Moment;
  /** The offset before the last step, valid up to `#since`. */
  #earlier: Moment;
  #since: Moment = { seconds: Number.NEGATIVE_INFINITY, nanoseconds: 0 };
  #looked: Moment | undefined;
  #second = Number.NaN;
  #text = '';

  /** @param epoch the difference that holds as far as is known: a predecessor's, or readBootEpoch() */
  constructor(clocks: SystemClocks, epoch: Moment) {
    this.#clocks = clocks;
    this.#epoch = epoch;
    this.#earlier = epoch;
  }

  /** The boot clock, time asleep included. */
  boot(): Moment {
    return this.#clocks.boot();
  }

  wall(): Moment {
    return this.#clocks.wall();
  }

  /** The difference between the two that holds now. */
  get epoch(): Moment {
    return this.#epoch;
  }

  /** Compares the two clocks. Goes over to their new difference, and tells of it if it is a step. */
  look(): ClockStep | undefined {
    const boot = this.boot();
    const wall = this.wall();
    const known = this.#epoch;
    const since = this.#looked;
    this.#looked = boot;
    // Nearly every look ends here, without an object.
    const movedNs =
      (wall.seconds - boot.seconds - known.seconds) * NS + (wall.nanoseconds - boot.nanoseconds - known.nanoseconds);
    if (Math.abs(movedNs) < CLOCK_FOLLOW_MS * 1_000_000) return undefined;
    const epoch = difference(boot, wall);
    const moved = Math.abs(microseconds(epoch) - microseconds(known));
    // This process may have stood still between the two readings; so far they can be apart.
    const blur = microseconds(this.boot()) - microseconds(boot);
    if (moved < CLOCK_FOLLOW_MS * 1000 + blur) return undefined;
    const from = sum(boot, this.#epoch);
    const isStep = moved >= CLOCK_STEP_MS * 1000 + blur;
    if (isStep) {
      this.#earlier = this.#epoch;
      this.#since = since ?? { seconds: Number.NEGATIVE_INFINITY, nanoseconds: 0 };
    }
    this.#epoch = epoch;
    return isStep ? { from, to: wall, since } : undefined;
  }

  /** Converts a moment after boot to Unix time. Moments before the last step use the offset that was valid then. */
  fromBoot(seconds: number, nanoseconds: number): Moment {
    const since = this.#since;
    const isEarlier = seconds < since.seconds || (seconds === since.seconds && nanoseconds < since.nanoseconds);
    const epoch = isEarlier ? this.#earlier : this.#epoch;
    // As `sum`, without an object for each event.
    const total = nanoseconds + epoch.nanoseconds;
    return total < NS
      ? { seconds: seconds + epoch.seconds, nanoseconds: total }
      : { seconds: seconds + epoch.seconds + 1, nanoseconds: total - NS };
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

function sum(one: Moment, other: Moment): Moment {
  const nanoseconds = one.nanoseconds + other.nanoseconds;
  const carry = nanoseconds >= NS ? 1 : 0;
  return { seconds: one.seconds + other.seconds + carry, nanoseconds: nanoseconds - carry * NS };
}

function difference(boot: Moment, wall: Moment): Moment {
  const nanoseconds = wall.nanoseconds - boot.nanoseconds;
  const borrow = nanoseconds < 0 ? 1 : 0;
  return { seconds: wall.seconds - boot.seconds - borrow, nanoseconds: nanoseconds + borrow * NS };
}
