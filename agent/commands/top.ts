import { setTimeout as delay } from 'node:timers/promises';
import { ControlClient } from '../client/client.ts';
import { controlSocketPath, type PlaceOptions } from '../client/place.ts';
import { UserNames } from '../enrichment/user-names.ts';
import { reasonOf } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { ExecCounter, type Grouping } from '../screens/exec-counter.ts';
import { HEAD_LINES, topScreen } from '../screens/top-screen.ts';
import { paintFor } from '../terminal/paint.ts';
import { Screen } from '../terminal/screen.ts';
import { showsUtf8 } from '../terminal/utf8.ts';
import { parseDuration } from '../values/quantities.ts';
import { complain, reportFailure } from './control-failure.ts';
import { untilInterrupted } from './interrupted.ts';
import { shownJson } from './print.ts';

export interface TopOptions extends PlaceOptions {
  /** A Sigma search. */
  readonly filter?: string;
  readonly by: Grouping;
  /** A duration with its unit. */
  readonly interval: string;
  readonly once: boolean;
  readonly json: boolean;
}

const LEAST_INTERVAL_MS = 200;
const LONGEST_INTERVAL_MS = 3_600_000;

/** Names where no screen bounds them. */
const MOST_NAMES = 100;

const RETRY_MS = 1000;

/** Columns where there is no terminal that says how many it has. */
const COLUMNS = 80;

/** `probes-agent top`: which programs, parents, users or commands start most. */
export async function top(options: TopOptions): Promise<ExitCode> {
  const intervalMs = parseDuration(options.interval);
  if (intervalMs === undefined || intervalMs < LEAST_INTERVAL_MS || intervalMs > LONGEST_INTERVAL_MS) {
    complain(
      'top',
      `--interval: expected a duration with its unit, from 200ms to 1h, such as 2s; got "${options.interval}"`,
    );
    return EXIT.USAGE;
  }
  try {
    const client = new ControlClient(controlSocketPath(options));
    const users = new UserNames();
    const counter = new ExecCounter(options.by, (uid) => users.of(uid));
    const show =
      process.stdout.isTTY && !options.json && !options.once ? new OnScreen(counter) : new InLines(counter, options);
    await untilInterrupted((signal) => run(client, counter, show, { options, intervalMs, signal }));
    return EXIT.OK;
  } catch (error) {
    return reportFailure('top', error);
  }
}

/** A way to show what was counted. */
interface Show {
  /** Ends when the reader wants it to. */
  readonly quit: AbortSignal;
  begin(): void;
  /** An interval is over. */
  draw(): void;
  end(): void;
}

interface RunOptions {
  readonly options: TopOptions;
  readonly intervalMs: number;
  readonly signal: AbortSignal;
}

/** Counts until it is told to end. Waits for an agent that has gone, but not for one that was never there. */
async function run(
  client: ControlClient,
  counter: ExecCounter,
  show: Show,
  { options: { filter }, intervalMs, signal }: RunOptions,
): Promise<void> {
  const ended = AbortSignal.any([signal, show.quit]);
  const query = new URLSearchParams(filter === undefined ? {} : { filter });
  let timer: NodeJS.Timeout | undefined;
  const tick = (): void => {
    show.draw();
    counter.tick();
  };
  try {
    while (!ended.aborted) {
      try {
        await client.follow(query, {
          signal: ended,
          onOpen: async () => {
            counter.problem = undefined;
            if (timer === undefined) show.begin();
            timer ??= setInterval(tick, intervalMs);
          },
          onLines: async (lines) => counter.take(lines),
          onTooLong: () => undefined,
        });
      } catch (error) {
        if (timer === undefined) throw error;
        counter.problem = reasonOf(error);
      }
      await delay(RETRY_MS, undefined, { signal: ended }).catch(() => undefined);
    }
  } finally {
    clearInterval(timer);
    if (timer !== undefined) show.end();
  }
}

/** On the whole terminal, in place. */
class OnScreen implements Show {
  readonly #counter: ExecCounter;
  readonly #screen = new Screen();
  readonly #quit = new AbortController();
  readonly #view = { paint: paintFor(process.stdout), isUtf8: showsUtf8() };

  constructor(counter: ExecCounter) {
    this.#counter = counter;
    this.#screen.onQuit = () => this.#quit.abort();
    this.#screen.onResize = () => this.draw();
  }

  get quit(): AbortSignal {
    return this.#quit.signal;
  }

  begin(): void {
    this.#screen.open();
  }

  draw(): void {
    const { rows, columns } = this.#screen;
    this.#screen.draw(topScreen(this.#counter.facts(rows - HEAD_LINES - 1), { ...this.#view, columns }));
  }

  end(): void {
    this.#screen.close();
  }
}

/** One piece of text an interval: a line of JSON, or a table. */
class InLines implements Show {
  readonly #counter: ExecCounter;
  readonly #options: TopOptions;
  readonly #quit = new AbortController();

  constructor(counter: ExecCounter, options: TopOptions) {
    this.#counter = counter;
    this.#options = options;
    // The reader has gone.
    process.stdout.on('error', () => this.#quit.abort());
  }

  get quit(): AbortSignal {
    return this.#quit.signal;
  }

  begin(): void {
    // Nothing is known yet.
  }

  draw(): void {
    process.stdout.write(`${this.#text()}\n`);
    if (this.#options.once) this.#quit.abort();
  }

  #text(): string {
    const facts = this.#counter.facts(MOST_NAMES);
    const { columns, isTTY } = process.stdout;
    if (this.#options.json || !isTTY) {
      return shownJson(JSON.stringify({ type: 'top', time: new Date().toISOString(), ...facts }));
    }
    return topScreen(facts, { paint: paintFor(process.stdout), isUtf8: showsUtf8(), columns: columns || COLUMNS }).join(
      '\n',
    );
  }

  end(): void {
    // Nothing is open.
  }
}
