import { reasonOf } from '../../errors.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import type { Log } from '../log/log.ts';
import { OpenError } from '../open-error.ts';
import type { SpoolConfig } from './config.ts';
import type { Spool } from './spool.ts';

/** The spool of a running agent, and how it changes with the configuration. */
export class SpoolKeeper {
  readonly #log: Log;
  readonly #telemetry: Telemetry;
  #spool: Spool | undefined;

  constructor(log: Log, telemetry: Telemetry) {
    this.#log = log;
    this.#telemetry = telemetry;
  }

  /** The spool that is open. */
  get spool(): Spool | undefined {
    return this.#spool;
  }

  /**
   * The spool of a configuration: the one that is open, or a new one. Call `settle` or `giveUp` after it.
   * @throws {OpenError} when it cannot be used; nothing was changed
   */
  async open(config: SpoolConfig | undefined): Promise<Spool | undefined> {
    if (config === undefined) return undefined;
    const { folder, max_bytes: maxBytes, when_full: whenFull, sync, reserve } = config;
    if (this.#spool !== undefined) {
      if (this.#spool.isLike({ folder, maxBytes, whenFull, sync, reserve })) return this.#spool;
      throw new OpenError(['spool: what is said of it can be changed only by a restart of the agent']);
    }
    try {
      const { Spool } = await import('./spool.ts');
      return await Spool.open(this.#log, { folder, maxBytes, whenFull, sync, reserve, telemetry: this.#telemetry });
    } catch (error) {
      throw new OpenError([`spool ${folder}: ${reasonOf(error)}`], { cause: error });
    }
  }

  /** The new configuration is in force, with these outputs. */
  async settle(spool: Spool | undefined, outputs: readonly string[]): Promise<void> {
    if (spool !== this.#spool) await this.#spool?.close();
    this.#spool = spool;
    await spool?.retain(outputs);
  }

  /** The new configuration is not used. */
  async giveUp(spool: Spool | undefined): Promise<void> {
    if (spool !== this.#spool) await spool?.close();
  }

  async close(): Promise<void> {
    await this.#spool?.close();
    this.#spool = undefined;
  }
}
