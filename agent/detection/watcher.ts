import { watch, type FSWatcher } from 'node:fs';
import { reasonOf } from '../errors.ts';
import { MAX_WATCHED_FOLDERS, SETTLE_MS } from './limits.ts';

export interface RuleWatcherOptions {
  /** Called when files have changed and then stayed unchanged for a moment. */
  readonly onChange: () => void;
  /** Called for a folder that cannot be watched: only a reload finds changes in it. */
  readonly onUnwatched: (folder: string, reason: string) => void;
  readonly settleMs?: { readonly quiet: number; readonly most: number };
}

/** Reports that something in folders of rules may have changed. */
export class RuleWatcher {
  readonly #options: RuleWatcherOptions;
  #watchers: FSWatcher[] = [];
  #timer: NodeJS.Timeout | undefined;
  #firstAt = 0;

  constructor(options: RuleWatcherOptions) {
    this.#options = options;
  }

  /** Watches these folders from now on, and no others. Subfolders are watched only if they are listed. */
  watch(folders: readonly string[]): void {
    this.close();
    for (const [i, folder] of folders.entries()) {
      if (i >= MAX_WATCHED_FOLDERS)
        return this.#options.onUnwatched(folder, `more than ${MAX_WATCHED_FOLDERS} folders`);
      try {
        const watcher = watch(folder, { persistent: false }, () => this.touch());
        watcher.on('error', (error) => this.#options.onUnwatched(folder, reasonOf(error)));
        this.#watchers.push(watcher);
      } catch (error) {
        this.#options.onUnwatched(folder, reasonOf(error));
      }
    }
  }

  /** Schedules a report as if something had changed: in `afterMs`, unless a real change comes first. */
  touch(afterMs?: number): void {
    const { quiet, most } = this.#options.settleMs ?? SETTLE_MS;
    const now = performance.now();
    if (this.#timer === undefined) this.#firstAt = now;
    clearTimeout(this.#timer);
    // Read a folder that never stops changing, too.
    const wait = afterMs ?? Math.max(0, Math.min(quiet, this.#firstAt + most - now));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#options.onChange();
    }, wait).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
  }
}
