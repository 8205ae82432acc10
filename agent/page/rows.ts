import { keepStop, make } from './dom.ts';

/** Rows of a list, the newest on top, of which so many are kept. Details are made when a row is opened, and go when it is closed. */
export class Rows {
  readonly #list: HTMLElement;
  readonly #max: number;

  constructor(list: HTMLElement, max: number) {
    this.#list = list;
    this.#max = max;
  }

  /** @param rows the newest last */
  add(rows: readonly HTMLElement[]): void {
    const newest = rows.slice(-this.#max).reverse();
    const hadFocus = this.#list.contains(document.activeElement);
    this.#list.prepend(...newest);
    while (this.#list.childElementCount > this.#max) this.#list.lastElementChild!.remove();
    keepStop(this.#list);
    // The row that had it is gone.
    if (hadFocus && !this.#list.contains(document.activeElement))
      this.#list.querySelector<HTMLElement>('summary[tabindex="0"]')?.focus({ preventScroll: true });
  }

  clear(): void {
    this.#list.replaceChildren();
  }

  /** Whether somebody reads: has opened a row, moved away from the newest, or is in the list with the keyboard. */
  get isRead(): boolean {
    return (
      this.#list.scrollTop > 8 ||
      this.#list.querySelector('details[open]') !== null ||
      this.#list.querySelector('summary:focus-visible') !== null
    );
  }
}

/** A row that unfolds. */
export function unfolding(summary: readonly HTMLElement[], className: string, more: () => HTMLElement): HTMLElement {
  const head = make('summary', { class: className }, ...summary);
  head.tabIndex = -1;
  const details = make('details', {}, head);
  details.addEventListener('toggle', () => {
    if (details.open && details.childElementCount === 1) details.append(more());
    else if (!details.open) while (details.childElementCount > 1) details.lastElementChild!.remove();
  });
  return make('li', {}, details);
}
