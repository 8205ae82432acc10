import { spawn } from 'node:child_process';
import { CANARIES_BEFORE_RESTART, CANARY_INTERVAL_MS, CANARY_PATIENCE_MS } from '../../limits.ts';
import type { SeenProcess } from './decoder.ts';

/** A program that does nothing and that anyone can run. */
export interface CanaryProgram {
  readonly path: string;
  readonly args: readonly string[];
}

/**
 * Runs a program every few seconds, to see whether the source reports it. This is the only way to recognise a silent
 * source that sees nothing: a tracer can live, and even answer, while its probes never fire.
 */
export class Canary {
  readonly #program: CanaryProgram;
  readonly #intervalMs: number;
  readonly #patienceMs: number;
  /** Process ids that the source should report, with their start times. */
  readonly #awaited = new Map<number, number>();
  #last = Number.NEGATIVE_INFINITY;
  #missedInARow = 0;
  #missedSinceAsked = 0;

  constructor(program: CanaryProgram, { intervalMs = CANARY_INTERVAL_MS, patienceMs = CANARY_PATIENCE_MS } = {}) {
    this.#program = program;
    this.#intervalMs = intervalMs;
    this.#patienceMs = patienceMs;
  }

  /** Whether the last canary was missed. */
  get blind(): boolean {
    return this.#missedInARow > 0;
  }

  /** Whether enough canaries were missed, since it last said so, to restart the child. */
  givesUp(): boolean {
    if (this.#missedSinceAsked < CANARIES_BEFORE_RESTART) return false;
    this.#missedSinceAsked = 0;
    return true;
  }

  /**
   * Whether this process is a canary, which clients do not get. Another program cannot be mistaken for one: it would
   * have to be the process that we started, before we knew its id.
   */
  recognises(seen: SeenProcess): boolean {
    if (seen.type !== 'exec' || !this.#awaited.delete(seen.pid)) return false;
    this.#missedInARow = 0;
    this.#missedSinceAsked = 0;
    return true;
  }

  /**
   * Starts a canary when it is time.
   * @returns how many were not reported in time, since the last call
   */
  tick(nowMs: number): number {
    let missed = 0;
    for (const [pid, since] of this.#awaited) {
      if (nowMs - since < this.#patienceMs) continue;
      this.#awaited.delete(pid);
      missed++;
    }
    this.#missedInARow += missed;
    this.#missedSinceAsked += missed;
    if (nowMs - this.#last >= this.#intervalMs) {
      this.#last = nowMs;
      this.#start(nowMs);
    }
    return missed;
  }

  #start(nowMs: number): void {
    // Its own process group: eslogger ignores processes of its own group.
    const child = spawn(this.#program.path, this.#program.args, { env: {}, cwd: '/', stdio: 'ignore', detached: true });
    // A canary that cannot be started proves nothing.
    child.on('error', () => {});
    if (child.pid !== undefined) this.#awaited.set(child.pid, nowMs);
  }
}
