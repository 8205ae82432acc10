import type { Position } from '../events/position.ts';
import type { SealState } from '../events/seal-state.ts';
import type { Bookmark } from '../outputs/output.ts';

/** How long an output's bookmark may stay while only records for others pass, in milliseconds. */
const PASSED_AFTER_MS = 1000;

/**
 * Reads an output's bookmark once, then moves it: after each batch that the output took, and now and then while what
 * passes is not for it. Does nothing for an output without a bookmark.
 */
export class BookmarkWriter {
  readonly #bookmark: Bookmark | undefined;
  readonly #passedAfterMs: number;
  #hasLoaded = false;
  #position: Position | undefined;
  #seals: SealState | undefined;
  /** The position last given to the bookmark. */
  #committed: Position | undefined;
  #timer: NodeJS.Timeout | undefined;
  #passedIsDue = false;

  /** @param passedAfterMs shorter in tests alone */
  constructor(bookmark: Bookmark | undefined, passedAfterMs = PASSED_AFTER_MS) {
    this.#bookmark = bookmark;
    this.#passedAfterMs = passedAfterMs;
  }

  /** The output's position from an earlier run; undefined where there is none, and before `load`. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** The state of its seals from an earlier run, where the output itself knows. */
  get seals(): SealState | undefined {
    return this.#seals;
  }

  /** Whether what passed waits for `commitPassed`. */
  get passedIsDue(): boolean {
    return this.#passedIsDue;
  }

  /** Reads the bookmark, the first time that it is called. @throws what the bookmark throws; its position is then taken for unknown */
  async load(withSeals: boolean): Promise<void> {
    if (this.#hasLoaded || this.#bookmark === undefined) return;
    this.#hasLoaded = true;
    this.#position = await this.#bookmark.load();
    if (withSeals) this.#seals = await this.#bookmark.loadSeals?.();
  }

  /**
   * Everything up to a position has passed, and nothing of it is for the output any more.
   * @param onDue called later, once, when it is time for `commitPassed`; not where the bookmark is there already
   */
  passed(position: Position | undefined, onDue: () => void): void {
    if (this.#bookmark === undefined || this.#timer !== undefined || !this.#isBehind(position)) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#passedIsDue = true;
      onDue();
    }, this.#passedAfterMs).unref();
  }

  /** The output closes: what passed is due now. */
  hurry(): void {
    clearTimeout(this.#timer);
    this.#passedIsDue = true;
  }

  /** Moves the bookmark to what has passed, if that is ahead. @returns undefined where there is nothing to wait for */
  commitPassed(position: Position | undefined): Promise<void> | undefined {
    this.#passedIsDue = false;
    return this.#isBehind(position) ? this.commit(position) : undefined;
  }

  /** Moves the bookmark. @returns undefined where there is nothing to wait for */
  commit(position: Position): Promise<void> | undefined {
    this.#committed = position;
    return this.#bookmark?.commit(position);
  }

  /** Whether the bookmark can move forward to a position. */
  #isBehind(position: Position | undefined): position is Position {
    const committed = this.#committed;
    return position !== undefined && (committed?.bootId !== position.bootId || committed.last < position.last);
  }
}
