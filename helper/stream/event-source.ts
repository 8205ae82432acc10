import type { HelloEvent } from '../../shared/events/hello.ts';

/** A source's description of itself in hello. */
export type SourceDescription = Pick<
  HelloEvent,
  'platform' | 'source' | 'boot_id' | 'probe_sha256' | 'programs' | 'env' | 'forks' | 'exits' | 'limits' | 'ns'
>;

/** The operating system's own count since the probe was loaded. */
export interface KernelCount {
  readonly events: number;
  /** Of those, events there was no room for. */
  readonly lost: number;
}

/**
 * A running tracing session that turns what it sees into numbered events. The
 * forwarding stage knows its source by this alone; there is one for each system.
 */
export interface EventSource {
  readonly description: SourceDescription;

  /** Takes what is there when the helper begins; may still open files. Called once, before `drain`. */
  begin(): void;

  /**
   * Moves events from the operating system into the stream, for a bounded time.
   * @returns whether more is waiting
   */
  drain(): boolean;

  /**
   * Milliseconds until the next look, when `drain` has taken everything; DRAIN_INTERVAL_MS when absent.
   * @param now of performance.now()
   * @param events that this look has found
   */
  nextLookMs?(now: number, events: number): number;

  /** Calls back once, as soon as there is something to drain. Asked for after a quiet time, when nobody drains in turns. */
  wake(callback: () => void): void;

  /** Compares what was received with the operating system's count and reports what is missing. */
  settle(): void;

  count(): KernelCount;

  /**
   * Ends a tracing session that would outlive the process. Called when the helper is told to
   * stop, and again until nothing more is to come; the caller goes on draining.
   * @returns whether nothing more is to come
   */
  end?(): boolean;
}
