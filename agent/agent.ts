import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from './config/schema.ts';
import { Detection } from './detection/detection.ts';
import type { Log } from './log.ts';
import { Deliveries } from './delivery/deliveries.ts';
import { Marker } from './delivery/seal/marker.ts';
import { Log as EventLog } from './delivery/log/log.ts';
import type { SealFacts } from './events/mark.ts';
import type { ControlConfig } from './control/config.ts';
import { RecentGaps } from './control/recent-gaps.ts';
import { Rates } from './control/rates.ts';
import type { Reloaded } from './control/routes.ts';
import type { Sight } from './control/status.ts';
import { OpenError } from './delivery/open-error.ts';
import { reasonOf } from './errors.ts';
import type { Stage } from './events/stage.ts';
import { Recent } from './recent/recent.ts';
import { Endpoint, type EndpointConfig } from './server/endpoint.ts';
import { groupId } from './values/groups.ts';
import type { View } from './metrics/view.ts';
import { Pipeline } from './pipeline.ts';
import { Redaction } from './redaction/redaction.ts';
import { factsOf } from './outputs/kinds.ts';
import type { Trust } from './source/connect.ts';
import { HelperClient } from './source/helper-client.ts';
import { ReplayFilter } from './source/replay-filter.ts';
import { SourceState } from './source/source-state.ts';
import { Telemetry } from './telemetry/telemetry.ts';

export interface AgentOptions {
  config: Config;
  /** The file that it is from, and that file's SHA-256. */
  configFile?: string;
  configSha256?: string;
  log: Log;
  /** The required owner of the helper's socket. */
  trust: Trust;
  /** Called once, when the reader of standard output has gone. */
  onReaderGone: () => void;
  /** Reads the configuration again, for a client of the control socket. */
  onReloadAsked?: () => Promise<Reloaded>;
}

const totalOf = (received: SourceState['received']): number =>
  received.exec + received.exec_failed + received.exit + received.clock + received.other;

/** @throws {OpenError} when there is no such group */
function controlEndpoint({ socket, group }: ControlConfig): EndpointConfig {
  try {
    return {
      address: { kind: 'unix', path: socket },
      ...(group === undefined ? {} : { group: groupId(group) }),
    };
  } catch (error) {
    throw new OpenError([`control.group: ${reasonOf(error)}`], { cause: error });
  }
}

/** Source, pipeline and outputs of one running agent, built from a configuration. */
export class Agent {
  readonly telemetry: Telemetry;
  /** To look at, for reports. */
  readonly deliveries: Deliveries;
  readonly source = new SourceState();
  readonly #log: Log;
  readonly #trust: Trust;
  readonly #detection: Detection;
  readonly #redaction: Redaction;
  readonly #filter: ReplayFilter;
  readonly #pipeline: Pipeline;
  readonly #events = new EventLog();
  readonly #metrics: Endpoint;
  readonly #control: Endpoint;
  readonly #recent = new Recent(0);
  readonly #gaps = new RecentGaps();
  readonly #rates: Rates;
  readonly #marker: Marker;
  #config: Config;
  #configSha256: string | undefined;
  #client: HelperClient;

  constructor({ config, configFile, configSha256, log, trust, onReaderGone, onReloadAsked }: AgentOptions) {
    this.telemetry = new Telemetry(log);
    this.#log = log;
    this.#trust = trust;
    this.#config = config;
    this.#configSha256 = configSha256;
    this.#redaction = new Redaction(this.telemetry);
    this.#detection = new Detection(this.telemetry, {
      onChange: () => this.#marker.mark('reload'),
      redact: this.#redaction,
    });
    this.#filter = new ReplayFilter(undefined, this.#detection.learn);
    this.deliveries = new Deliveries(this.#events, this.telemetry, onReaderGone);
    this.#marker = new Marker({
      log: this.#events,
      facts: () => this.#facts,
      isNeeded: () => this.deliveries.haveSeals,
    });
    const view: View = {
      telemetry: this.telemetry,
      source: this.source,
      detection: this.#detection.counters,
      log: this.#events,
      deliveries: this.deliveries,
    };
    this.#metrics = new Endpoint({
      telemetry: this.telemetry,
      key: 'metrics.listen',
      routes: async () => (await import('./metrics/routes.ts')).metricsRoutes(view),
      events: { listening: 'MetricsListening', closed: 'MetricsClosed', failed: 'MetricsFailed' },
    });
    this.#rates = new Rates(() => ({
      events: totalOf(this.source.received),
      alerts: this.#detection.counters.alerts,
      lost: this.#gaps.lost,
    }));
    const sight: Sight = {
      ...view,
      deliveries: this.deliveries,
      rules: this.#detection,
      recent: this.#recent,
      gaps: this.#gaps,
      rates: this.#rates,
      config: () => ({ file: configFile, sha256: this.#configSha256 }),
      helperSocket: () => this.#config.source.socket,
    };
    const cannotReload = async (): Promise<Reloaded> => ({ ok: false, problems: ['this agent has no file to read'] });
    this.#control = new Endpoint({
      telemetry: this.telemetry,
      key: 'control.socket',
      routes: async () => (await import('./control/routes.ts')).controlRoutes(sight, onReloadAsked ?? cannotReload),
      events: { listening: 'ControlListening', closed: 'ControlClosed', failed: 'ControlFailed' },
    });
    this.#pipeline = new Pipeline({
      stages: [this.#detection.stage, this.#redaction.stage, this.#look],
      log: this.#events,
      marker: this.#marker,
      congestion: () => this.deliveries.congestion,
      blocked: () => this.deliveries.blocked,
    });
    this.#client = this.#makeClient();
  }

  /**
   * Loads the rules, opens the outputs, then starts to read.
   * @throws {RulesError} when rules cannot be read
   * @throws {OpenError} when an output cannot be opened
   */
  async start(): Promise<void> {
    const prepared = this.#detection.prepare(this.#config);
    await this.#changeOutputs(this.#config);
    this.#detection.adopt(prepared);
    this.#redaction.adopt(this.#config.redaction);
    await this.#adoptFacts(this.#config);
    this.#client.start();
  }

  /**
   * Switches to another configuration without losing an event.
   * @throws {RulesError | OpenError} when rules cannot be used or an output cannot be opened; the previous configuration stays in force
   */
  async reload(config: Config, configSha256?: string): Promise<void> {
    const prepared = this.#detection.prepare(config);
    await this.#changeOutputs(config);
    this.#marker.mark('reload');
    this.#configSha256 = configSha256;
    this.#detection.adopt(prepared);
    this.#redaction.adopt(config.redaction);
    void this.#adoptFacts(config);
    const moved = config.source.socket !== this.#config.source.socket;
    this.#config = config;
    this.#log.level = config.log.level;
    if (!moved) return;
    this.#client.stop();
    this.#client = this.#makeClient();
    this.#client.start();
  }

  /**
   * Stops reading and writes out what is queued, for `shutdown_timeout` at most.
   * @returns records that could not be written in that time
   */
  async stop(): Promise<number> {
    this.#client.stop();
    this.#detection.close();
    this.#redaction.close();
    this.#marker.mark('stop');
    this.#marker.close();
    const unwritten = await this.deliveries.close(this.#deadline());
    this.#detection.facts.close();
    await this.#control.close();
    await this.#metrics.close();
    this.#rates.close();
    return unwritten;
  }

  /** Keeps what people look at, which is what outputs get: after filters, rules and redaction. */
  readonly #look: Stage = (batch) => {
    this.#recent.take(batch);
    this.#gaps.take(batch);
    return batch;
  };

  /** Finds the facts that the outputs ask for, all together. */
  #adoptFacts({ outputs, enrichment }: Config): Promise<void> {
    return this.#detection.facts.adopt(outputs.flatMap(factsOf), enrichment.hash_rate);
  }

  async #changeOutputs(config: Config): Promise<void> {
    const changeOutputs = () =>
      this.deliveries.change(
        config,
        () => this.#deadline(),
        () => this.#marker.mark('reload'),
      );
    const { metrics, control } = config;
    await this.#metrics.change(metrics && { address: metrics.listen, group: 'own' }, () =>
      this.#control.change(control && controlEndpoint(control), changeOutputs),
    );
    this.#recent.maxBytes = control?.recent ?? 0;
  }

  /** The facts in seals about helper, configuration and rules. */
  get #facts(): SealFacts {
    const { hello, heartbeat } = this.source;
    const { rulesSha256 } = this.#detection;
    return {
      ...(heartbeat && { kernel_count: heartbeat.kernel_count, kernel_lost: heartbeat.kernel_lost }),
      ...(hello?.probe_sha256 !== undefined && { probe_sha256: hello.probe_sha256 }),
      ...(this.#configSha256 !== undefined && { config_sha256: this.#configSha256 }),
      ...(rulesSha256 !== undefined && { rules_sha256: rulesSha256 }),
    };
  }

  #deadline(): Promise<void> {
    return delay(this.#config.shutdown_timeout, undefined, { ref: false });
  }

  #makeClient(): HelperClient {
    return new HelperClient({
      socketPath: this.#config.source.socket,
      trust: this.#trust,
      filter: this.#filter,
      state: this.source,
      telemetry: this.telemetry,
      onNumbering: (numbering) => {
        this.#detection.begin(numbering);
        const due = this.#events.begin(numbering);
        this.#marker.begin(numbering, due);
        return due;
      },
      onItems: (items) => this.#pipeline.take(items),
    });
  }
}
