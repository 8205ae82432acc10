import { isDeepStrictEqual } from 'node:util';
import { OpenError } from '../delivery/open-error.ts';
import { reasonOf } from '../errors.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { formatAddress, type MetricsConfig } from './config.ts';
import type { Listener } from './listener.ts';
import type { View } from './view.ts';

export type MetricsOptions = View & { readonly telemetry: Telemetry };

/** Serves metrics and health where the configuration says, and goes elsewhere with it. Nothing is open without `metrics`. */
export class Metrics {
  readonly #view: MetricsOptions;
  #listener: Listener | undefined;

  constructor(view: MetricsOptions) {
    this.#view = view;
  }

  /**
   * Goes over to another address, together with `rest` of a new configuration.
   * @throws {OpenError} when nothing can listen there
   * @throws what `rest` throws; the address is then the one before
   */
  async change(config: MetricsConfig | undefined, rest: () => Promise<void>): Promise<void> {
    const before = this.#listener;
    if (isDeepStrictEqual(config?.listen, before?.address)) return rest();
    const next = config && (await this.#open(config));
    try {
      await rest();
    } catch (error) {
      await next?.close();
      throw error;
    }
    this.#listener = next;
    await this.#end(before);
    if (next !== undefined) this.#view.telemetry.raise('MetricsListening', { listen: formatAddress(next.address) });
  }

  async #open({ listen }: MetricsConfig): Promise<Listener> {
    const failed = (error: unknown): void =>
      this.#view.telemetry.raiseRepeating('MetricsFailed', reasonOf(error), { reason: reasonOf(error) });
    const [{ answerer }, { Listener }] = await Promise.all([import('./answer.ts'), import('./listener.ts')]);
    const listener = new Listener(listen, answerer(this.#view, failed), failed);
    try {
      await listener.open();
    } catch (error) {
      throw new OpenError([`metrics.listen: ${reasonOf(error)}`], { cause: error });
    }
    return listener;
  }

  async close(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    await this.#end(listener);
  }

  async #end(listener: Listener | undefined): Promise<void> {
    if (listener === undefined) return;
    await listener.close();
    this.#view.telemetry.raise('MetricsClosed', { listen: formatAddress(listener.address) });
  }
}
