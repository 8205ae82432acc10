import { Budget } from './budget.ts';
import { Generations } from './generations.ts';
import { MAX_USER_NAMES, USER_LOOKUP_MS_PER_SECOND, USER_NAME_MS } from './limits.ts';

/**
 * Names of users that the system is asked for: each once in a while, so many of them, and for so much of the time. A directory
 * that is slow to answer is asked again only when the time that it took has been paid back.
 */
export class AskedNames<Key> {
  readonly #ask: (key: Key) => string | undefined;
  readonly #now: () => number;
  readonly #budget: Budget;
  /** The system's answer; without a name if it knows no such user. */
  readonly #known = new Generations<Key, { readonly name: string | undefined; readonly at: number }>({
    entries: MAX_USER_NAMES,
  });

  /**
   * @param ask asks the system; undefined where it knows no such user
   * @param now milliseconds on a clock that never steps
   */
  constructor(ask: (key: Key) => string | undefined, now: () => number) {
    this.#ask = ask;
    this.#now = now;
    this.#budget = new Budget(USER_LOOKUP_MS_PER_SECOND, undefined, now);
  }

  /** Names that are remembered. */
  get size(): number {
    return this.#known.size;
  }

  /** The name of a user; undefined where there is none, or it cannot be found out now. */
  of(key: Key): string | undefined {
    const now = this.#now();
    const known = this.#known.get(key);
    if (known !== undefined && now - known.at < USER_NAME_MS) return known.name;
    if (!this.#budget.isLeft) return known?.name;
    const name = this.#ask(key);
    this.#budget.spend(this.#now() - now);
    this.#known.set(key, { name, at: now });
    return name;
  }
}
