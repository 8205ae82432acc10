import { neutraliseJson } from '../../terminal-text.ts';
import { formatOf } from '../../formats/choice.ts';
import type { Format } from '../../formats/format.ts';
import { identityOf } from '../../formats/identified.ts';
import { TAKEN, type Batch, type Outcome, type Output } from '../output.ts';
import type { StdoutOutputConfig } from './config.ts';
import type * as LiveView from '../../view/live-view.ts';
import { paintFor } from '../../terminal/paint.ts';
import { StandardOutput } from './standard-output.ts';
import { accountNamesHere } from '../../enrichment/account-names.ts';
import { readUserNames } from '../../enrichment/password-file.ts';

/** Standard output: a live table for people, or JSON lines. */
export class StdoutOutput implements Output {
  readonly #target = new StandardOutput();
  /** Absent when events are written as JSON. */
  readonly #view: Omit<LiveView.LiveViewOptions, 'columns'> | undefined;
  /** Loaded at open, and only for a live view: its tables of characters take some 30 ms and 3 MB. */
  #live: typeof LiveView | undefined;
  format: Format | undefined;
  /** A reader that pauses may pause for as long as it likes. */
  readonly stuckAfterMs = Infinity;
  readonly #config: StdoutOutputConfig;
  #hasHeader = false;

  constructor(config: StdoutOutputConfig) {
    this.#config = config;
    const live = config.view === 'live' || (config.view === 'auto' && process.stdout.isTTY);
    if (live) {
      const accounts = accountNamesHere();
      const view = {
        userNames: readUserNames(),
        accountName: (sid: string) => accounts.of(sid),
        paint: paintFor(process.stdout),
      };
      this.#view = view;
      // The width is asked for each time: the window may have changed.
      this.format = { encode: (item) => this.#live!.formatEvent(item.event, { ...view, columns: columnsNow() }) };
    }
  }

  async open(): Promise<void> {
    this.#target.open();
    if (this.#view === undefined) {
      this.format ??= await jsonFormat(this.#config);
      return;
    }
    this.#live ??= await import('../../view/live-view.ts');
    if (this.#hasHeader) return;
    this.#hasHeader = true;
    await this.#target.write(Buffer.from(`${this.#live.formatHeader({ ...this.#view, columns: columnsNow() })}\n`));
  }

  async send({ lines }: Batch): Promise<Outcome> {
    await this.#target.write(lines);
    return TAKEN;
  }

  async flush(): Promise<void> {
    // The pipe or terminal has the lines that it took.
  }

  async close(): Promise<void> {
    this.#target.close();
  }
}

/** @returns undefined where lines are written as they were received */
async function jsonFormat({ name, format: formatName }: StdoutOutputConfig): Promise<Format | undefined> {
  const mapped = formatName === 'native' ? undefined : await formatOf(formatName, identityOf(name));
  if (!process.stdout.isTTY) return mapped;
  return {
    encode: (item, context) => neutraliseJson(mapped === undefined ? item.line : mapped.encode(item, context)),
  };
}

/** Columns of the terminal, or Infinity where there is none: a file needs no cut lines. */
function columnsNow(): number {
  return process.stdout.columns || Infinity;
}
