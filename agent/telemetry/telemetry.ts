import type { Log } from '../log.ts';
import { INTERNAL_EVENTS, type InternalEventName } from './internal-events.ts';

/** How long an event that repeats stays out of the log, in milliseconds. */
const REPEAT_AFTER_MS = 60_000;

/** Distinct repeating messages that are remembered; far more than the agent can raise. */
const MAX_REMEMBERED = 1000;

interface Repeat {
  loggedAt: number;
  suppressed: number;
}

/** Raises internal events: counts and logs together, so that counter and log agree. */
export class Telemetry {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #counts = new Map<InternalEventName, number>();
  readonly #repeats = new Map<string, Repeat>();

  /** @param now milliseconds on a clock that never steps */
  constructor(log: Log, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  /** Counts and logs. */
  raise(name: InternalEventName, fields: Record<string, unknown> = {}): void {
    this.#count(name);
    this.#write(name, fields);
  }

  /**
   * Counts every time and logs at most once a minute for the same `key`; the
   * next line says how many were left out. For events that can repeat endlessly.
   */
  raiseRepeating(name: InternalEventName, key: string, fields: Record<string, unknown> = {}): void {
    this.#count(name);
    const id = `${name} ${key}`;
    const now = this.#now();
    const repeat = this.#repeats.get(id);
    if (repeat !== undefined && now - repeat.loggedAt < REPEAT_AFTER_MS) {
      repeat.suppressed++;
      return;
    }
    if (this.#repeats.size >= MAX_REMEMBERED) this.#repeats.clear();
    this.#repeats.set(id, { loggedAt: now, suppressed: 0 });
    const suppressed = repeat?.suppressed ?? 0;
    this.#write(name, suppressed > 0 ? { ...fields, repeated: suppressed } : fields);
  }

  /** How often an event was raised, including log lines that were left out. */
  countOf(name: InternalEventName): number {
    return this.#counts.get(name) ?? 0;
  }

  #count(name: InternalEventName): void {
    this.#counts.set(name, this.countOf(name) + 1);
  }

  #write(name: InternalEventName, fields: Record<string, unknown>): void {
    const [level, message] = INTERNAL_EVENTS[name];
    this.#log[level]({ event: name, ...fields }, message);
  }
}
