import type { ExecEvent, ExecFailedEvent } from '../../shared/events/exec.ts';
import type { ForkEvent } from '../../shared/events/fork.ts';

/** Processes that are remembered; the oldest is forgotten first. Some 100 bytes each. */
export const MAX_PROCESSES = 20_000;

/** Deeper processes are drawn at this depth: the command needs the room. */
const MAX_DRAWN_DEPTH = 12;

type Placed = Pick<ExecEvent | ExecFailedEvent | ForkEvent, 'pid' | 'start_time' | 'parent' | 'type'>;

/**
 * How far each command stands to the right, so that it stands under its parent. A process whose parent was not seen begins at the
 * left, and stays where it was first drawn, whatever comes later: lines of the past are not drawn again.
 */
export class TreeIndent {
  readonly #depths = new Map<string, number>();
  readonly #max: number;
  readonly #corner: string;

  constructor(isUtf8: boolean, max: number = MAX_PROCESSES) {
    this.#corner = isUtf8 ? '└ ' : '\\_ ';
    this.#max = max;
  }

  /** Processes that are remembered. */
  get size(): number {
    return this.#depths.size;
  }

  /** The text in front of an exec's command, or of what is said of a fork. */
  of(event: Placed): string {
    const key = keyOf(event);
    // A process that executes another program stays where it is.
    let depth = this.#depths.get(key);
    if (depth === undefined) {
      const above = event.parent && this.#depths.get(keyOf(event.parent));
      depth = above === undefined ? 0 : above + 1;
    }
    // An attempt that failed started nothing.
    if (event.type !== 'exec_failed') this.#remember(key, depth);
    const drawn = Math.min(depth, MAX_DRAWN_DEPTH);
    return drawn === 0 ? '' : '  '.repeat(drawn - 1) + this.#corner;
  }

  #remember(key: string, depth: number): void {
    this.#depths.delete(key);
    this.#depths.set(key, depth);
    if (this.#depths.size > this.#max) this.#depths.delete(this.#depths.keys().next().value!);
  }
}

/** Numbers of processes are used again; the time of its start tells one from the next. */
const keyOf = ({ pid, start_time: start }: { pid: number; start_time?: number }): string => `${pid} ${start ?? ''}`;
