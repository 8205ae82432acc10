import { isDeepStrictEqual } from 'node:util';
import { OpenError } from '../delivery/open-error.ts';
import { reasonOf } from '../errors.ts';
import type { InternalEventName } from '../telemetry/internal-events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { formatAddress, type Address } from './address.ts';
import type { Gate, Routes } from './answer.ts';
import type { Group, Listener } from './listener.ts';

export interface EndpointOptions {
  readonly telemetry: Telemetry;
  /** The key of the configuration that asks for it, for messages. */
  readonly key: string;
  /** Loads what it serves. Called when it is opened, so that an agent without it does not load its code. */
  readonly routes: () => Promise<Routes>;
  /** Decides who may ask; left out: everybody who can connect. */
  readonly gate?: Gate;
  readonly events: Readonly<Record<'listening' | 'closed' | 'failed', InternalEventName>>;
}

/** Where an endpoint is served, and to whom. */
export interface EndpointConfig {
  readonly address: Address;
  readonly group?: Group;
}

/** Something that is served over HTTP where the configuration says, and goes elsewhere with it. Nothing is open without it. */
export class Endpoint {
  readonly #options: EndpointOptions;
  #listener: Listener | undefined;

  constructor(options: EndpointOptions) {
    this.#options = options;
  }

  /** Where it is served now; undefined when it is not. */
  get address(): Address | undefined {
    return this.#listener?.address;
  }

  /**
   * Goes over to another address, together with `rest` of a new configuration.
   * @throws {OpenError} when nothing can listen there
   * @throws what `rest` throws; the address is then the one before
   */
  async change(config: EndpointConfig | undefined, rest: () => Promise<void>): Promise<void> {
    const before = this.#listener;
    if (isDeepStrictEqual(config?.address, before?.address)) return this.#stay(before, config, rest);
    const next = config && (await this.#open(config));
    try {
      await rest();
    } catch (error) {
      await next?.close();
      throw error;
    }
    this.#listener = next;
    await this.#end(before);
    const { telemetry, events } = this.#options;
    if (next !== undefined) telemetry.raise(events.listening, { listen: formatAddress(next.address) });
  }

  /** Stays where it is; perhaps another group may connect. */
  async #stay(
    listener: Listener | undefined,
    config: EndpointConfig | undefined,
    rest: () => Promise<void>,
  ): Promise<void> {
    const group = listener?.group;
    if (listener === undefined || group === config?.group) return rest();
    this.#tried(() => listener.admit(config?.group));
    try {
      await rest();
    } catch (error) {
      listener.admit(group);
      throw error;
    }
  }

  async #open({ address, group }: EndpointConfig): Promise<Listener> {
    const { telemetry, routes, gate, events } = this.#options;
    const failed = (error: unknown): void =>
      telemetry.raiseRepeating(events.failed, reasonOf(error), { reason: reasonOf(error) });
    const [served, { answerer }, { Listener }] = await Promise.all([
      routes(),
      import('./answer.ts'),
      import('./listener.ts'),
    ]);
    const listener = new Listener(address, answerer(served, failed, gate), failed, { group });
    await this.#tried(() => listener.open());
    return listener;
  }

  /** @throws {OpenError} that names the key of the configuration */
  #tried<T>(work: () => T): T {
    const refused = (error: unknown): never => {
      throw new OpenError([`${this.#options.key}: ${reasonOf(error)}`], { cause: error });
    };
    try {
      const done = work();
      return done instanceof Promise ? (done.catch(refused) as T) : done;
    } catch (error) {
      return refused(error);
    }
  }

  async close(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    await this.#end(listener);
  }

  async #end(listener: Listener | undefined): Promise<void> {
    if (listener === undefined) return;
    await listener.close();
    const { telemetry, events } = this.#options;
    telemetry.raise(events.closed, { listen: formatAddress(listener.address) });
  }
}
