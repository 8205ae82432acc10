import { setTimeout as delay } from 'node:timers/promises';
import { backoff, type Pace } from '../backoff.ts';
import { ControlClient, RefusedError } from '../client/client.ts';
import { controlSocketPath, type PlaceOptions } from '../client/place.ts';
import { ShownLines } from '../client/shown-lines.ts';
import { MAX_RATE } from '../control/limits.ts';
import { accountNamesHere } from '../enrichment/account-names.ts';
import { readUserNames } from '../enrichment/password-file.ts';
import { AgentError, reasonOf } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { ReaderGoneError } from '../outputs/output.ts';
import { StandardOutput } from '../outputs/stdout/standard-output.ts';
import { paintFor } from '../terminal/paint.ts';
import { showsUtf8 } from '../terminal/utf8.ts';
import { neutraliseJson } from '../terminal-text.ts';
import { parseDuration } from '../values/quantities.ts';
import { userId } from '../values/users.ts';
import { TailView } from '../screens/tail-view.ts';
import { complain, reportFailure } from './control-failure.ts';
import { untilInterrupted } from './interrupted.ts';
import { unwritable } from './print.ts';

export interface TailOptions extends PlaceOptions {
  /** A Sigma search. */
  readonly filter?: string;
  readonly rule?: string;
  /** A name or a number. */
  readonly user?: string;
  readonly container?: string;
  readonly alerts: boolean;
  /** Whether alerts say why their rules matched. */
  readonly explain: boolean;
  readonly since?: string;
  /** Events a second; 0 for all. */
  readonly rate?: string;
  readonly tree: boolean;
  readonly json: boolean;
  /** Whether new events follow those that are held. */
  readonly follow: boolean;
  /** Whether to wait for an agent that has gone. */
  readonly reconnect: boolean;
}

/** More than anybody reads, and few enough for any terminal. */
const RATE_ON_TERMINAL = 200;

const RETRY: Pace = { firstMs: 100, longestMs: 2000 };

/** How much further back than the interruption is looked: clocks of events and of this process differ a little. */
const OVERLAP_MS = 5000;

/** Longer than any agent runs. */
const EVER = '36500d';

/** HTTP: nothing can be done for this reader now. */
const TOO_MANY_READERS = 503;

/** Shows events, and what is to be said between them. */
interface Sink {
  open(): Promise<void>;
  show(lines: readonly string[]): Promise<void>;
  say(text: string): Promise<void>;
}

/** `probes-agent tail`: shows events as they come, from the agent's control socket. */
export async function tail(options: TailOptions): Promise<ExitCode> {
  try {
    const query = queryOf(options, process.stdout.isTTY && !options.json);
    const client = new ControlClient(controlSocketPath(options));
    return (await untilInterrupted((signal) => follow(client, query, options, signal))) ?? EXIT.OK;
  } catch (error) {
    if (error instanceof ReaderGoneError) return EXIT.OK;
    if (error instanceof OptionError) {
      complain('tail', error.message);
      return EXIT.USAGE;
    }
    return reportFailure('tail', error);
  }
}

/** An option that cannot be meant. */
class OptionError extends Error {}

/** The query for the agent, which checks what only it can know. @throws {OptionError} */
function queryOf(
  { filter, rule, user, container, alerts, explain, since, rate, follow: follows }: TailOptions,
  isTable: boolean,
): URLSearchParams {
  const query = new URLSearchParams();
  if (since !== undefined && parseDuration(since) === undefined)
    throw new OptionError(`--since: expected a duration with its unit, such as 30s, 10m or 2h; got "${since}"`);
  if (rate !== undefined && !(/^\d+$/u.test(rate) && Number(rate) <= MAX_RATE))
    throw new OptionError(`--rate: expected a whole number from 1 to ${MAX_RATE}, or 0 for all; got "${rate}"`);
  for (const [name, value] of Object.entries({ filter, rule, container, since }))
    if (value !== undefined) query.set(name, value);
  if (alerts) query.set('alerts', '1');
  if (explain) query.set('explain', '1');
  if (!follows) {
    query.set('follow', '0');
    // Without a time, all that are held.
    if (since === undefined) query.set('since', EVER);
  }
  const most = Number(rate ?? (isTable ? RATE_ON_TERMINAL : 0));
  if (most !== 0) query.set('rate', String(most));
  try {
    if (user !== undefined) query.set('user', String(userId(user)));
  } catch (error) {
    throw new OptionError(`--user: ${reasonOf(error)}`, { cause: error });
  }
  return query;
}

async function follow(
  client: ControlClient,
  query: URLSearchParams,
  options: TailOptions,
  signal: AbortSignal,
): Promise<ExitCode> {
  const sink = sinkFor(options);
  const shown = new ShownLines();
  let hasBegun = false;
  let failures = 0;
  let goneAt: number | undefined;
  for (;;) {
    try {
      await client.follow(query, {
        signal,
        onOpen: async () => {
          if (hasBegun) await sink.say('connected again');
          else await sink.open();
          hasBegun = true;
          goneAt = undefined;
          failures = 0;
        },
        onLines: (lines) => sink.show(shown.fresh(lines)),
        onTooLong: () => void sink.say('1 event not shown: it is longer than any event may be'),
      });
      // It has sent all that was asked for.
      return EXIT.OK;
    } catch (error) {
      if (!hasBegun || !options.reconnect || !options.follow || !mayPass(error)) throw error;
      if (goneAt === undefined) await sink.say(`${gone(error)}; waiting for it to come back (Ctrl-C ends)`);
      goneAt ??= Date.now();
    }
    await delay(backoff(++failures, RETRY), undefined, { signal });
    query.set('since', `${Date.now() - goneAt + OVERLAP_MS}ms`);
  }
}

/** Whether waiting can help. Where there are too many readers, our own connection from before may be among them. */
function mayPass(error: unknown): error is Error {
  if (error instanceof AgentError) return error.code === 'CONTROL_UNREACHABLE';
  return error instanceof RefusedError && error.status === TOO_MANY_READERS;
}

function refuse(error: unknown): never {
  throw error instanceof ReaderGoneError ? error : unwritable(error);
}

const gone = (error: Error): string => error.message.replace(/^[A-Z_]+: /u, '');

function sinkFor({ json, tree }: TailOptions): Sink {
  const target = new StandardOutput();
  const isTerminal = process.stdout.isTTY;
  const write = (rows: readonly string[]): Promise<void> =>
    rows.length === 0 ? Promise.resolve() : target.write(Buffer.from(`${rows.join('\n')}\n`)).catch(refuse);
  target.open();
  if (json || !isTerminal)
    return {
      open: async () => undefined,
      show: (lines) => write(isTerminal ? lines.map(neutraliseJson) : lines),
      say: async (text) => complain('tail', text),
    };
  const accounts = accountNamesHere();
  const view = new TailView({
    columns: () => process.stdout.columns || Infinity,
    userNames: readUserNames(),
    accountName: (sid) => accounts.of(sid),
    paint: paintFor(process.stdout),
    isUtf8: showsUtf8(),
    tree,
  });
  return {
    open: () => write([view.header()]),
    show: (lines) => write(lines.flatMap((line) => [view.row(line), ...view.explanations(line)])),
    say: (text) => write([view.note(text)]),
  };
}
