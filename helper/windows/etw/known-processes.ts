import { MAX_KNOWN_PROCESSES } from '../limits.ts';

/** The reported facts about a parent. */
export interface KnownProcess {
  readonly pid: number;
  /** Microseconds since 1970. */
  readonly start_time: number;
  readonly exe?: string;
}

/**
 * The processes whose start was seen, by their number of this boot, so that the parent in an event is the one that the
 * kernel named, and not another one with the same id.
 */
export class KnownProcesses {
  readonly #bySequence = new Map<bigint, KnownProcess>();

  add(sequence: bigint, process: KnownProcess): void {
    this.#bySequence.set(sequence, process);
    if (this.#bySequence.size <= MAX_KNOWN_PROCESSES) return;
    const [oldest] = this.#bySequence.keys();
    if (oldest !== undefined) this.#bySequence.delete(oldest);
  }

  get(sequence: bigint | undefined): KnownProcess | undefined {
    return sequence === undefined ? undefined : this.#bySequence.get(sequence);
  }
}
