import { isDeepStrictEqual } from 'node:util';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { Delivery, type DeliveryStatus } from './delivery.ts';
import type { Log } from './log/log.ts';
import { createOutput, destinationOf, factsOf, isSealed, isSpooled, type OutputConfig } from '../outputs/kinds.ts';
import { storeOutput } from '../outputs/store/kind.ts';
import type { StoreConfig } from '../store/config.ts';
import { OpenError } from './open-error.ts';
import { OutputCounters } from './output-counters.ts';
import type { SpoolConfig } from './spool/config.ts';
import { SpoolKeeper } from './spool/keeper.ts';
import type { SpoolStatus } from './spool/spool.ts';

interface Entry {
  config: OutputConfig;
  delivery: Delivery;
  /** Whether it reads from the spool. */
  isSpooled: boolean;
  /** Whether seals go into its stream. */
  isSealed: boolean;
}

/** The parts of a configuration about delivery. */
export interface DeliveryConfig {
  outputs: readonly OutputConfig[];
  spool?: SpoolConfig | undefined;
  store?: StoreConfig | undefined;
}

/** An output that is open, for metrics. */
export interface OutputReport extends DeliveryStatus {
  readonly name: string;
  readonly type: string;
  readonly counters: OutputCounters;
}

/** How to go from the outputs that are open to those of a new configuration. */
interface Change {
  entries: Entry[];
  /** Outputs whose destination is free: they can be opened, and can fail, before anything changes. */
  fresh: Entry[];
  /** Outputs that take over a destination from an output, which must be closed first. */
  succeeding: Entry[];
  leaving: Entry[];
}

/** Creates outputs. */
export interface Kinds {
  createOutput: typeof createOutput;
  isSpooled: typeof isSpooled;
  isSealed: typeof isSealed;
}

/** The open outputs, and how they change with the configuration. */
export class Deliveries {
  readonly #log: Log;
  readonly #telemetry: Telemetry;
  readonly #onReaderGone: () => void;
  readonly #kinds: Kinds;
  #entries: Entry[] = [];
  /** By output name: an output that was changed counts on. Those of outputs that are gone are forgotten. */
  readonly #counters = new Map<string, OutputCounters>();
  readonly #keeper: SpoolKeeper;

  /** @param kinds how outputs are made, and which of them use the spool */
  constructor(
    log: Log,
    telemetry: Telemetry,
    onReaderGone: () => void,
    kinds: Kinds = { createOutput, isSpooled, isSealed },
  ) {
    this.#log = log;
    this.#telemetry = telemetry;
    this.#onReaderGone = onReaderGone;
    this.#kinds = kinds;
    this.#keeper = new SpoolKeeper(log, telemetry);
  }

  /** With `when_full: block`: settles when the spool has room; undefined while it has. */
  get blocked(): Promise<void> | undefined {
    return this.#keeper.spool?.blocked;
  }

  /** Settles when the working outputs that are far behind finish a batch; undefined while there are none. */
  get congestion(): Promise<unknown> | undefined {
    let sends: Promise<unknown>[] | undefined;
    for (const { delivery } of this.#entries) {
      const { congestion } = delivery;
      if (congestion !== undefined) (sends ??= []).push(congestion);
    }
    return sends && Promise.all(sends);
  }

  /** Whether any output makes seals. */
  get haveSeals(): boolean {
    return this.#entries.some(({ isSealed: sealed }) => sealed);
  }

  /** The spool, where there is one. */
  get spool(): SpoolStatus | undefined {
    return this.#keeper.spool?.report;
  }

  get reports(): OutputReport[] {
    return this.#entries.map(({ config: { name, type }, delivery }) => ({
      name,
      type,
      ...delivery.status,
      counters: this.#countersOf(name),
    }));
  }

  /**
   * Switches to the outputs of a configuration. An unchanged output stays open and loses nothing; a changed one gets the rest
   * of the log, and is closed before its successor opens.
   *
   * @param onChange called in the moment in which records begin to go to the new outputs
   * @param deadline after which a leaving output that cannot write is abandoned
   * @throws {OpenError} when the spool or new outputs cannot be opened; nothing has changed then
   */
  async change(
    { outputs: asked, spool: spoolConfig, store }: DeliveryConfig,
    deadline: () => Promise<void>,
    onChange: () => void = () => undefined,
  ): Promise<void> {
    const outputs = store === undefined ? asked : [...asked, storeOutput(store)];
    const wanted = outputs.some((output) => this.#kinds.isSpooled(output)) ? spoolConfig : undefined;
    const spool = await this.#keeper.open(wanted);
    const change = await this.#plan(outputs, spool !== undefined);
    try {
      await this.#openAll(change.fresh);
    } catch (error) {
      await this.#keeper.giveUp(spool);
      throw error;
    }
    onChange();
    this.#entries = change.entries;
    for (const name of this.#counters.keys())
      if (!outputs.some((output) => output.name === name)) this.#counters.delete(name);
    // Nothing comes in between these: each record goes to those before or to those after.
    for (const { delivery } of change.leaving) delivery.detach();
    for (const {
      config: { name },
      delivery,
      isSpooled: spooled,
    } of [...change.fresh, ...change.succeeding])
      delivery.attach(spooled && spool !== undefined ? spool.source(name) : this.#log);
    for (const { delivery } of change.fresh) delivery.start();
    const left = await this.#closeAll(change.leaving, deadline());
    for (const [i, { config, delivery }] of change.leaving.entries()) {
      if (left[i] === 0) continue;
      const place = destinationOf(config)?.id;
      const successor = change.succeeding.find((entry) => destinationOf(entry.config)?.id === place);
      successor?.delivery.inherit(delivery.leaveBehind());
    }
    await this.#keeper.settle(
      spool,
      change.entries.flatMap(({ isSpooled: spooled, config: { name } }) => (spooled ? [name] : [])),
    );
    for (const { delivery, config } of change.succeeding) {
      delivery.start();
      this.#telemetry.raise('OutputOpened', { output: config.name, type: config.type });
    }
  }

  async #plan(configs: readonly OutputConfig[], hasSpool: boolean): Promise<Change> {
    const change: Change = { entries: [], fresh: [], succeeding: [], leaving: [] };
    const staying = new Set<Entry>();
    for (const config of configs) {
      const spooled = hasSpool && this.#kinds.isSpooled(config);
      const same = this.#entries.find(
        (entry) => entry.isSpooled === spooled && isDeepStrictEqual(entry.config, config),
      );
      if (same !== undefined) {
        staying.add(same);
        change.entries.push(same);
        continue;
      }
      // Without a spool, an output with no bookmark forgets with each restart how far its seals were.
      const sealed = this.#kinds.isSealed(config) && (spooled || !this.#kinds.isSpooled(config));
      const delivery = await this.#make(config, sealed);
      const entry = { config, delivery, isSpooled: spooled, isSealed: sealed };
      const taken = this.#entries.some((other) => destinationOf(other.config)?.id === destinationOf(config)?.id);
      (taken ? change.succeeding : change.fresh).push(entry);
      change.entries.push(entry);
    }
    change.leaving = this.#entries.filter((entry) => !staying.has(entry));
    return change;
  }

  async #make(config: OutputConfig, seals: boolean): Promise<Delivery> {
    return new Delivery({
      name: config.name,
      output: await this.#kinds.createOutput(config, this.#telemetry),
      maxLagBytes: config.max_queue_bytes,
      alertsOnly: config.events === 'alerts',
      seals,
      enrich: factsOf(config),
      telemetry: this.#telemetry,
      counters: this.#countersOf(config.name),
      onReaderGone: this.#onReaderGone,
    });
  }

  #countersOf(name: string): OutputCounters {
    let counters = this.#counters.get(name);
    if (counters === undefined) this.#counters.set(name, (counters = new OutputCounters()));
    return counters;
  }

  async #openAll(entries: readonly Entry[]): Promise<void> {
    const results = await Promise.allSettled(entries.map(({ delivery }) => delivery.open()));
    const failures = results.flatMap((result, i) =>
      result.status === 'rejected' ? [{ reason: result.reason as unknown, entry: entries[i]! }] : [],
    );
    if (failures.length > 0) {
      await Promise.all(entries.map(({ delivery }) => delivery.close(Promise.resolve())));
      const reasons = failures.map(
        ({ reason, entry }) =>
          `output "${entry.config.name}": ${reason instanceof Error ? reason.message : String(reason)}`,
      );
      throw new OpenError(reasons, { cause: failures[0]!.reason });
    }
    for (const { config } of entries) this.#telemetry.raise('OutputOpened', { output: config.name, type: config.type });
  }

  /** Delivers the remaining records and closes all outputs in parallel. @returns records that were not delivered in time */
  async close(deadline: Promise<void>): Promise<number> {
    const entries = this.#entries;
    this.#entries = [];
    const left = await this.#closeAll(entries, deadline);
    await this.#keeper.close();
    return left.reduce((sum, records) => sum + records, 0);
  }

  /** @returns for each, the records that it did not deliver in time */
  async #closeAll(entries: readonly Entry[], deadline: Promise<void>): Promise<number[]> {
    const unwritten = await Promise.all(entries.map(({ delivery }) => delivery.close(deadline)));
    for (const [i, { config }] of entries.entries()) {
      const left = unwritten[i]!;
      if (left > 0) this.#telemetry.raise('ShutdownTimedOut', { output: config.name, unwritten: left });
      else this.#telemetry.raise('OutputClosed', { output: config.name });
    }
    return unwritten;
  }
}
