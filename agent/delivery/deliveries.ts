import { isDeepStrictEqual } from 'node:util';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { Lane } from './log/cursor.ts';
import { createOutput, destinationOf, type OutputConfig } from '../outputs/kinds.ts';

interface Entry {
  config: OutputConfig;
  lane: Lane;
}

/** What it takes to go from the lanes there are to those of a new configuration. */
interface Change {
  entries: Entry[];
  /** Write to places that nothing writes to now: can be opened, and fail, before anything is touched. */
  fresh: Entry[];
  /** Take over a place from a lane that must be closed first. */
  succeeding: Entry[];
  leaving: Entry[];
}

/** Thrown when outputs of a configuration cannot be opened; nothing was changed. */
export class OpenError extends Error {
  override readonly name = 'OpenError';
  readonly reasons: readonly string[];

  constructor(reasons: readonly string[], options?: ErrorOptions) {
    super(reasons.join('; '), options);
    this.reasons = reasons;
  }
}

/** The open outputs, and how they change with the configuration. */
export class LaneSet {
  readonly #telemetry: Telemetry;
  readonly #onReaderGone: () => void;
  #entries: Entry[] = [];

  constructor(telemetry: Telemetry, onReaderGone: () => void) {
    this.#telemetry = telemetry;
    this.#onReaderGone = onReaderGone;
  }

  get lanes(): readonly Lane[] {
    return this.#entries.map(({ lane }) => lane);
  }

  /**
   * Goes over to the outputs of `configs`. What did not change stays open and loses nothing; what
   * did is written out and closed before its successor opens.
   *
   * @param onSwitched called, with nothing awaited in between, when `lanes` are the new ones
   * @param deadline after which a leaving output that cannot write is given up
   * @throws {OpenError} when new outputs cannot be opened; everything is then as it was
   */
  async change(configs: readonly OutputConfig[], onSwitched: () => void, deadline: () => Promise<void>): Promise<void> {
    const change = this.#plan(configs);
    await this.#openAll(change.fresh);
    this.#entries = change.entries;
    onSwitched();
    await this.#closeAll(change.leaving, deadline());
    for (const { lane, config } of change.succeeding) {
      lane.openEventually();
      this.#telemetry.raise('OutputOpened', { output: config.name, type: config.type });
    }
  }

  #plan(configs: readonly OutputConfig[]): Change {
    const change: Change = { entries: [], fresh: [], succeeding: [], leaving: [] };
    const staying = new Set<Entry>();
    for (const config of configs) {
      const same = this.#entries.find((entry) => isDeepStrictEqual(entry.config, config));
      if (same !== undefined) {
        staying.add(same);
        change.entries.push(same);
        continue;
      }
      const entry = { config, lane: this.#makeLane(config) };
      const taken = this.#entries.some((other) => destinationOf(other.config)?.id === destinationOf(config)?.id);
      (taken ? change.succeeding : change.fresh).push(entry);
      change.entries.push(entry);
    }
    change.leaving = this.#entries.filter((entry) => !staying.has(entry));
    return change;
  }

  #makeLane(config: OutputConfig): Lane {
    return new Lane({
      name: config.name,
      output: createOutput(config, this.#telemetry),
      maxQueueBytes: config.max_queue_bytes,
      alertsOnly: config.events === 'alerts',
      telemetry: this.#telemetry,
      onReaderGone: this.#onReaderGone,
    });
  }

  async #openAll(entries: readonly Entry[]): Promise<void> {
    const results = await Promise.allSettled(entries.map(({ lane }) => lane.open()));
    const failures = results.flatMap((result, i) =>
      result.status === 'rejected' ? [{ reason: result.reason as unknown, entry: entries[i]! }] : [],
    );
    if (failures.length > 0) {
      await Promise.all(entries.map(({ lane }) => lane.close(Promise.resolve())));
      const reasons = failures.map(
        ({ reason, entry }) =>
          `output "${entry.config.name}": ${reason instanceof Error ? reason.message : String(reason)}`,
      );
      throw new OpenError(reasons, { cause: failures[0]!.reason });
    }
    for (const { config } of entries) this.#telemetry.raise('OutputOpened', { output: config.name, type: config.type });
  }

  /** Writes out and closes every lane, side by side. Returns the records that could not be written in time. */
  async close(deadline: Promise<void>): Promise<number> {
    const entries = this.#entries;
    this.#entries = [];
    return this.#closeAll(entries, deadline);
  }

  async #closeAll(entries: readonly Entry[], deadline: Promise<void>): Promise<number> {
    const unwritten = await Promise.all(entries.map(({ lane }) => lane.close(deadline)));
    for (const [i, { config }] of entries.entries()) {
      const left = unwritten[i]!;
      if (left > 0) this.#telemetry.raise('ShutdownTimedOut', { output: config.name, unwritten: left });
      else this.#telemetry.raise('OutputClosed', { output: config.name });
    }
    return unwritten.reduce((sum, left) => sum + left, 0);
  }
}
