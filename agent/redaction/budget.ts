/** A text that cannot be searched with the steps that are left. */
export class OverBudgetError extends Error {
  override readonly name = 'OverBudgetError';
}

/** The steps that one event may take. */
export class Budget {
  #left: number;

  constructor(steps: number) {
    this.#left = steps;
  }

  /**
   * Asked before the work is done. What is refused costs nothing, so that shorter texts after it can still be searched.
   * @throws {OverBudgetError}
   */
  spend(steps: number): void {
    if (steps > this.#left) throw new OverBudgetError('too few steps are left');
    this.#left -= steps;
  }
}
