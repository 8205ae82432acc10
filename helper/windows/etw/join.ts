import { JOIN_DISTANCE, JOIN_WAIT_MS, MAX_WAITING_HALVES } from '../limits.ts';
import type { ClassicStart } from './classic-process.ts';
import type { ProcessStart } from './kernel-process.ts';

/** Both halves of a process start, or the one that came. */
export interface Joined {
  /** FILETIME of the event. */
  readonly time: bigint;
  readonly start: ProcessStart | undefined;
  readonly classic: ClassicStart | undefined;
}

interface Half extends Joined {
  readonly arrived: number;
}

/**
 * Joins the two events of a process start: by process id, parent's id, and a time that is near enough. A half that has
 * waited too long, or exceeds the bound, is sent alone. Nothing is ever dropped.
 */
export class ProcessJoin {
  readonly #emit: (joined: Joined) => void;
  /** The waiting half of each process id, in the order of arrival. */
  readonly #waiting = new Map<number, Half>();

  /** @param emit gets every process start, once */
  constructor(emit: (joined: Joined) => void) {
    this.#emit = emit;
  }

  /** The number of process starts that wait for their other half. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** @param now milliseconds of a monotonic clock */
  addStart(time: bigint, start: ProcessStart, now: number): void {
    const other = this.#waiting.get(start.pid);
    if (other?.classic !== undefined && isSame(start, other.classic, other.time)) {
      this.#waiting.delete(start.pid);
      this.#emit({ time, start, classic: other.classic });
    } else this.#wait(start.pid, { time, start, classic: undefined, arrived: now });
  }

  addClassic(time: bigint, classic: ClassicStart, now: number): void {
    const other = this.#waiting.get(classic.pid);
    if (other?.start !== undefined && isSame(other.start, classic, time)) {
      this.#waiting.delete(classic.pid);
      this.#emit({ time: other.time, start: other.start, classic });
    } else this.#wait(classic.pid, { time, start: undefined, classic, arrived: now });
  }

  /** Sends the halves that have waited long enough; all of them if `now` is infinite. */
  expire(now: number): void {
    for (const [pid, half] of this.#waiting) {
      if (now - half.arrived < JOIN_WAIT_MS) return;
      this.#release(pid, half);
    }
  }

  #wait(pid: number, half: Half): void {
    const earlier = this.#waiting.get(pid);
    // The id is in use again: the waiting half belongs to another process.
    if (earlier !== undefined) this.#release(pid, earlier);
    this.#waiting.set(pid, half);
    if (this.#waiting.size <= MAX_WAITING_HALVES) return;
    const [oldest] = this.#waiting;
    if (oldest !== undefined) this.#release(...oldest);
  }

  #release(pid: number, half: Half): void {
    this.#waiting.delete(pid);
    this.#emit(half);
  }
}

function isSame(start: ProcessStart, classic: ClassicStart, classicTime: bigint): boolean {
  if (start.ppid !== classic.ppid) return false;
  const distance = start.created - classicTime;
  return (distance < 0n ? -distance : distance) <= JOIN_DISTANCE;
}
