import { Budget } from './budget.ts';
import { Generations } from './generations.ts';
import { MAX_USER_NAMES, USER_LOOKUP_MS_PER_SECOND, USER_NAME_MS } from './limits.ts';

/**
 * Names of users or groups from the system. Limits how often each is asked for, how many are remembered and how much time the questions take.
 * A slow directory is asked again only when the budget has recovered from the time it took.
 */
export class AskedNames<Key> {
  readonly #ask: (key: Key) => string | undefined;
  readonly #now: () => number;
  readonly #budget: Budget;
  /** The system's answer; without a name if it does not know the user. */
  readonly #known = new Generations<Key, { readonly name: string | undefined; readonly at: number }>({
    entries: MAX_USER_NAMES,
  });

  /**
   * @param ask asks the system; returns undefined for an unknown user
   * @param now milliseconds on a clock that never steps
   */
  constructor(ask: (key: Key) => string | undefined, now: () => number) {
    this.#ask = ask;
    this.#now = now;
    this.#budget = new Budget(USER_LOOKUP_MS_PER_SECOND, undefined, now);
  }

  /** Number of remembered names. */
  get size(): number {
    return this.#known.size;
  }

  /** Returns the user's name; undefined if there is none or it cannot be found now. */
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
