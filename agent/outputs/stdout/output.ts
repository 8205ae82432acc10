import type { Item } from '../../item.ts';
import { neutraliseJson } from '../../terminal-text.ts';
import type { Output } from '../output.ts';
import type { StdoutOutputConfig } from './config.ts';
import { formatEvent, formatHeader, type LiveViewOptions } from './live-view.ts';
import { paintFor } from './paint.ts';
import { StandardOutput } from './standard-output.ts';
import { readUserNames } from './user-names.ts';

/** Standard output: a live table for people, or JSON lines. */
export class StdoutOutput implements Output {
  readonly #target = new StandardOutput();
  /** Absent when events are written as JSON. */
  readonly #view: Omit<LiveViewOptions, 'columns'> | undefined;
  #hasHeader = false;

  constructor(config: StdoutOutputConfig) {
    const live = config.view === 'live' || (config.view === 'auto' && process.stdout.isTTY);
    if (live) this.#view = { userNames: readUserNames(), paint: paintFor(process.stdout) };
  }

  async open(): Promise<void> {
    this.#target.open();
    if (this.#view === undefined || this.#hasHeader) return;
    this.#hasHeader = true;
    await this.#target.write(`${formatHeader({ ...this.#view, columns: columnsNow() })}\n`);
  }

  encode(item: Item): string {
    if (this.#view === undefined) return process.stdout.isTTY ? neutraliseJson(item.line) : item.line;
    // The width is asked for each time: the window may have changed.
    return formatEvent(item.event, { ...this.#view, columns: columnsNow() });
  }

  write(records: readonly string[]): Promise<void> {
    return this.#target.write(`${records.join('\n')}\n`);
  }

  async flush(): Promise<void> {
    // What the pipe or terminal took is out of our hands.
  }

  async close(): Promise<void> {
    this.#target.close();
  }
}

/** Columns of the terminal, or Infinity where there is none: a file needs no cut lines. */
function columnsNow(): number {
  return process.stdout.columns || Infinity;
}
