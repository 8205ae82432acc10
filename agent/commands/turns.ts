/**
 * Runs a task that must not overlap itself, as often as somebody asks. The task looks at the world when its turn comes, so one that
 * still waits serves everybody who asks meanwhile: however many ask, one runs and one waits.
 */
export class Turns<T> {
  readonly #task: () => Promise<T>;
  #last: Promise<unknown>;
  #waiting: Promise<T> | undefined;

  /** @param before what the first turn comes after */
  constructor(before: Promise<unknown>, task: () => Promise<T>) {
    this.#last = before;
    this.#task = task;
  }

  /** Resolves with the outcome of a turn that began after this call. */
  ask(): Promise<T> {
    if (this.#waiting !== undefined) return this.#waiting;
    const turn = this.#last.then(() => {
      this.#waiting = undefined;
      return this.#task();
    });
    this.#waiting = turn;
    this.#last = turn;
    return turn;
  }

  /** Settles with everything that was asked for until now. */
  get idle(): Promise<unknown> {
    return this.#last;
  }
}
