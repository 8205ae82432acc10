import { setTimeout as delay } from 'node:timers/promises';
import { ControlClient, RefusedError } from '../client/client.ts';
import { controlSocketPath, type PlaceOptions } from '../client/place.ts';
import { readStatus, statusOf, type AgentStatus } from '../client/status.ts';
import { AgentError, reasonOf } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { statusScreen } from '../screens/status-screen.ts';
import { neutralise } from '../terminal-text.ts';
import { cutTo } from '../terminal/columns.ts';
import { paintFor } from '../terminal/paint.ts';
import { Screen } from '../terminal/screen.ts';
import { showsUtf8 } from '../terminal/utf8.ts';
import { reportFailure } from './control-failure.ts';
import { untilInterrupted } from './interrupted.ts';
import { shownJson } from './print.ts';

export interface StatusOptions extends PlaceOptions {
  readonly json: boolean;
  /** Whether the screen is drawn again and again. */
  readonly watch: boolean;
}

const WATCH_MS = 2000;

/** Columns where there is no terminal that says how many it has. */
const COLUMNS = 80;

/** `probes-agent status`: what an agent says of itself, on one screen. The exit status says whether it is healthy. */
export async function status(options: StatusOptions): Promise<ExitCode> {
  try {
    const client = new ControlClient(controlSocketPath(options));
    if (options.watch && process.stdout.isTTY && !options.json) return await watch(client);
    const answer = await client.get('/v1/status');
    const read = readStatus(answer, client.path);
    if (options.json) process.stdout.write(`${shownJson(JSON.stringify(answer))}\n`);
    else process.stdout.write(`${screenOf(read, process.stdout.columns || COLUMNS).join('\n')}\n`);
    return read.healthy ? EXIT.OK : EXIT.UNHEALTHY;
  } catch (error) {
    return reportFailure('status', error);
  }
}

const screenOf = (read: AgentStatus, columns: number): string[] =>
  statusScreen(read, { columns, paint: paintFor(process.stdout), isUtf8: showsUtf8(), now: Date.now() });

/** Draws it again and again until it is told to end. @returns whether it was healthy at last */
async function watch(client: ControlClient): Promise<ExitCode> {
  const screen = new Screen();
  const quit = new AbortController();
  let seen: Seen = { code: EXIT.OK, lines: () => [] };
  const draw = (): void => screen.draw(seen.lines(screen.columns));
  screen.onQuit = () => quit.abort();
  screen.onResize = draw;
  screen.open();
  try {
    await untilInterrupted(async (signal) => {
      const ended = AbortSignal.any([signal, quit.signal]);
      while (!ended.aborted) {
        seen = await look(client);
        draw();
        await delay(WATCH_MS, undefined, { signal: ended }).catch(() => undefined);
      }
    });
  } finally {
    screen.close();
  }
  return seen.code;
}

/** The lines of one look at the agent, for a width in columns. */
interface Seen {
  readonly code: ExitCode;
  readonly lines: (columns: number) => string[];
}

/** An agent that is away is shown as that: it may come back. */
async function look(client: ControlClient): Promise<Seen> {
  try {
    const read = await statusOf(client);
    return { code: read.healthy ? EXIT.OK : EXIT.UNHEALTHY, lines: (columns) => screenOf(read, columns) };
  } catch (error) {
    if (!(error instanceof AgentError || error instanceof RefusedError)) throw error;
    return { code: EXIT.UNREACHABLE, lines: (columns) => [cutTo(neutralise(reasonOf(error)), columns)] };
  }
}
