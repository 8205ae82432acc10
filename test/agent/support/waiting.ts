import type { Hold } from '../../../agent/events/facts.ts';

/** A hold on facts that ends when the test says so. */
export class Waiting implements Hold {
  isOver = false;
  readonly #promise = Promise.withResolvers<void>();

  get over(): Promise<void> {
    return this.#promise.promise;
  }

  end(): void {
    this.isOver = true;
    this.#promise.resolve();
  }
}
