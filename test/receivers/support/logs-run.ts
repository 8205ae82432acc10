import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { Workplace, type AgentProcess } from '../../agent/support/agent-process.ts';
import { start } from '../../agent/support/outputs.ts';
import type { ExecEvent } from '../../../shared/events/exec.ts';
import { execEvent, FakeHelper, gapEvent } from '../../support/fake-helper.ts';
import { recipe } from '../../support/recipes.ts';
import { SteadyLoad } from './steady-load.ts';
import { VictoriaLogs, type LogRow } from './victoria-logs.ts';

const PER_SECOND = 500;
/** More than it loses when it is killed: what it has acknowledged and keeps in memory. */
const MOST_LOST = 12 * PER_SECOND;
/** Otherwise it acknowledges a longer line and drops it. */
const FLAGS = ['-insert.maxLineSizeBytes=2MB'];

/** A way to send to VictoriaLogs. */
export interface Way {
  /** The recipe of docs/outputs.md. */
  readonly recipe: string;
  /** Further lines of the recipe's output. */
  readonly more?: string;
  /** The field that holds the number of an event. */
  readonly seq: string;
  /** The numbers of the events among rows. */
  held(rows: readonly LogRow[]): Set<number>;
}

/** An agent that sends to VictoriaLogs as its recipe says, with the places of a test. */
export class LogsRun implements AsyncDisposable {
  readonly work = new Workplace();
  helper!: FakeHelper;
  server!: VictoriaLogs;
  agent!: AgentProcess;
  readonly #way: Way;
  readonly #stack = new AsyncDisposableStack();

  private constructor(way: Way) {
    this.#way = way;
  }

  static async start(way: Way): Promise<LogsRun> {
    const run = new LogsRun(way);
    const { work } = run;
    run.#stack.use(work);
    run.helper = run.#stack.use(await new FakeHelper().listen());
    run.server = run.#stack.use(await new VictoriaLogs(FLAGS).start());
    const text = `source: { socket: ${run.helper.socketPath} }\n${recipe(way.recipe, 'yaml')}${way.more ?? ''}`
      .replace('127.0.0.1:9428', run.server.address)
      .replace('/var/lib/platform-probes/spool', work.path('spool'))
      .replace('/var/log/platform-probes/refused.jsonl', work.path('refused'));
    run.agent = run.#stack.use(await start(work, text));
    await run.agent.until(() => run.agent.countOf('HelperConnected') === 1);
    return run;
  }

  /**
   * A steady load, during which the server stops three times; then a gap of ten numbers, and an event for each text.
   * @returns the last number of the load; the gap follows, then the events
   */
  async loadWithStops(texts: readonly string[], more: Partial<ExecEvent> = {}): Promise<number> {
    const load = new SteadyLoad(this.helper, PER_SECOND);
    for (let i = 0; i < 3; i++) {
      await delay(1500);
      await this.server.stop();
      await delay(500);
      await this.server.start();
    }
    const last = await load.stop();
    this.helper.send(
      gapEvent(last + 1, last + 10),
      ...texts.map((text, i) => execEvent(last + 11 + i, { command: text, argv: ['x', text], ...more })),
    );
    return last;
  }

  /** A steady load, during which the server is killed. @returns the last number of all, and the last before the kill */
  async loadWithKill(): Promise<{ last: number; killed: number }> {
    const load = new SteadyLoad(this.helper, PER_SECOND);
    await delay(14_000);
    await this.server.kill();
    const killed = load.last;
    await delay(500);
    await this.server.start();
    await delay(1500);
    return { last: await load.stop(), killed };
  }

  /** Ends the agent, and sees to it that queries see all that the server took: its rows do not become visible in order. */
  async rowsAtEnd(t: ExecutionContext, last: number): Promise<LogRow[]> {
    await this.server.queryUntil(`"${this.#way.seq}":=${last}`, (rows) => rows.length > 0);
    t.is(await this.agent.end(), 0);
    await this.server.stop();
    await this.server.start();
    return this.server.query('*');
  }

  /** The numbers from 1 to `last` that rows lack. */
  missing(rows: readonly LogRow[], last: number): number[] {
    const held = this.#way.held(rows);
    return Array.from({ length: last }, (_, i) => i + 1).filter((seq) => !held.has(seq));
  }

  /** Holds the rows to what a kill may take: some of what came before it. @returns how many events are missing */
  lostByKill(t: ExecutionContext, rows: readonly LogRow[], { last, killed }: { last: number; killed: number }): number {
    const lost = this.missing(rows, last);
    t.true(lost.length > 0 && lost.length < MOST_LOST, `${lost.length} were in its memory`);
    t.true(
      lost.every((seq) => seq <= killed),
      'what came after the kill is all there',
    );
    return lost.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** The ten numbers behind `last`: those of the gap of `loadWithStops`. */
export const gapBehind = (last: number): number[] => Array.from({ length: 10 }, (_, i) => last + 1 + i);
