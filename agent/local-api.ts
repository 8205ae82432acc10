import type { Config } from './config/schema.ts';
import type { ControlConfig } from './control/config.ts';
import type { ControlActions } from './control/routes.ts';
import type { Sight } from './control/status.ts';
import { Tallies } from './control/tallies.ts';
import { Access } from './dashboard/access.ts';
import { OpenError } from './delivery/open-error.ts';
import { reasonOf } from './errors.ts';
import type { Item } from './events/item.ts';
import type { Numbering } from './events/position.ts';
import type { Stage } from './events/stage.ts';
import { Recent } from './recent/recent.ts';
import type { Routes } from './server/answer.ts';
import { Endpoint, type EndpointConfig } from './server/endpoint.ts';
import type { SourceState } from './source/source-state.ts';
import type { Telemetry } from './telemetry/telemetry.ts';
import { groupId } from './values/groups.ts';

export interface LocalApiOptions {
  readonly telemetry: Telemetry;
  /** Everything that it shows, except what it counts itself. */
  readonly view: Omit<Sight, 'recent' | 'tallies'>;
  readonly reload: ControlActions['reload'];
}

/**
 * The local API: the control socket, the page for a browser, and what both show of the stream. Without `control` in the
 * configuration it holds no lines, counts nothing, and runs no timer.
 */
export class LocalApi {
  readonly #view: LocalApiOptions['view'];
  readonly #control: Endpoint;
  readonly #dashboard: Endpoint;
  readonly #access: Access;
  readonly #recent = new Recent(0);
  #tallies: Tallies | undefined;
  #numbering: Numbering | undefined;

  constructor({ telemetry, view, reload }: LocalApiOptions) {
    this.#view = view;
    const sight: Sight = { ...view, recent: this.#recent, tallies: () => this.#counting() };
    let routes: Routes | undefined;
    const reading = async (): Promise<Routes> =>
      (routes ??= (await import('./control/routes.ts')).readingRoutes(sight));
    this.#control = new Endpoint({
      telemetry,
      key: 'control.socket',
      routes: async () => {
        const { controlRoutes } = await import('./control/routes.ts');
        return controlRoutes(await reading(), { reload, dashboardUrl: () => this.dashboardUrl });
      },
      events: { listening: 'ControlListening', closed: 'ControlClosed', failed: 'ControlFailed' },
    });
    this.#access = new Access({ onRefused: () => telemetry.raiseRepeating('DashboardRefused', '') });
    this.#dashboard = new Endpoint({
      telemetry,
      key: 'dashboard.listen',
      routes: async () => (await import('./dashboard/routes.ts')).dashboardRoutes(await reading()),
      gate: this.#access,
      events: { listening: 'DashboardListening', closed: 'DashboardClosed', failed: 'DashboardFailed' },
    });
  }

  /** The address that opens the page in a browser: a secret, because it has the token. Undefined when no page is served. */
  get dashboardUrl(): string | undefined {
    const { address } = this.#dashboard;
    return address && this.#access.urlAt(address);
  }

  /**
   * Goes over to the sockets of another configuration, together with `rest` of it.
   * @throws {OpenError} when one cannot be opened
   * @throws what `rest` throws; the sockets are then those before
   */
  async change(
    { control, dashboard }: Pick<Config, 'control' | 'dashboard'>,
    rest: () => Promise<void>,
  ): Promise<void> {
    try {
      await this.#control.change(control && endpointOf(control), () =>
        this.#dashboard.change(dashboard && { address: dashboard.listen }, rest),
      );
      this.#recent.maxBytes = control?.recent ?? 0;
    } finally {
      if (this.#control.address === undefined) this.#stopCounting();
      else this.#counting();
    }
  }

  /** Learns the numbering of the helper that the agent connected to. */
  begin(numbering: Numbering): void {
    this.#numbering = numbering;
    this.#tallies?.begin(numbering);
  }

  /** Counts what came in, before filters. */
  takeReceived(items: readonly Item[]): void {
    this.#tallies?.takeReceived(items);
  }

  /** The last stage: people see what outputs get, after filters, rules and redaction. */
  readonly stage: Stage = (items) => {
    this.#recent.take(items);
    this.#tallies?.takeSent(items);
    return items;
  };

  async close(): Promise<void> {
    await this.#dashboard.close();
    await this.#control.close();
    this.#stopCounting();
  }

  #counting(): Tallies {
    const { source, detection } = this.#view;
    const totals = () => ({ events: totalOf(source.received), alerts: detection.alerts });
    return (this.#tallies ??= new Tallies(totals, this.#numbering));
  }

  #stopCounting(): void {
    this.#tallies?.close();
    this.#tallies = undefined;
  }
}

const totalOf = (received: SourceState['received']): number =>
  received.exec + received.exec_failed + received.fork + received.exit + received.clock + received.other;

/** @throws {OpenError} when there is no such group */
function endpointOf({ socket, group }: ControlConfig): EndpointConfig {
  try {
    return {
      address: { kind: 'unix', path: socket },
      ...(group === undefined ? {} : { group: groupId(group) }),
    };
  } catch (error) {
    throw new OpenError([`control.group: ${reasonOf(error)}`], { cause: error });
  }
}
