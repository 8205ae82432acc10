import { RATE_SECONDS } from './limits.ts';

/** Counts of one second, or totals. */
export interface Counts {
  readonly events: number;
  readonly alerts: number;
  /** Numbers that gaps stand for. */
  readonly lost: number;
}

/** How many events, alerts and lost numbers there were in each of the last seconds. */
export class Rates {
  readonly #read: () => Counts;
  readonly #seconds: Counts[] = [];
  readonly #timer: NodeJS.Timeout;
  #before: Counts;

  /** @param read totals that only grow */
  constructor(read: () => Counts) {
    this.#read = read;
    this.#before = read();
    this.#timer = setInterval(() => this.tick(), 1000).unref();
  }

  /** Ends a second. */
  tick(): void {
    const { events, alerts, lost } = this.#read();
    const before = this.#before;
    this.#before = { events, alerts, lost };
    this.#seconds.push({
      events: events - before.events,
      alerts: alerts - before.alerts,
      lost: lost - before.lost,
    });
    if (this.#seconds.length > RATE_SECONDS) this.#seconds.shift();
  }

  /** By kind, a number for each second that is over, the oldest first. */
  get seconds(): Readonly<Record<keyof Counts, readonly number[]>> {
    const of = (kind: keyof Counts): number[] => this.#seconds.map((second) => second[kind]);
    return { events: of('events'), alerts: of('alerts'), lost: of('lost') };
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
