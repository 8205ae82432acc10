import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from './config/schema.ts';
import { Detection } from './detection/detection.ts';
import type { Log } from './log.ts';
import { Deliveries } from './delivery/deliveries.ts';
import { Marker } from './delivery/seal/marker.ts';
import { Log as EventLog } from './delivery/log/log.ts';
import type { SealFacts } from './events/mark.ts';
import type { Reloaded } from './control/routes.ts';
import { LocalApi } from './local-api.ts';
import { Endpoint } from './server/endpoint.ts';
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
  readonly #localApi: LocalApi;
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
    const cannotReload = async (): Promise<Reloaded> => ({ ok: false, problems: ['this agent has no file to read'] });
    this.#localApi = new LocalApi({
      telemetry: this.telemetry,
      view: {
        ...view,
        deliveries: this.deliveries,
        rules: this.#detection,
        config: () => ({ file: configFile, sha256: this.#configSha256 }),
        helperSocket: () => this.#config.source.socket,
      },
      reload: onReloadAsked ?? cannotReload,
    });
    this.#pipeline = new Pipeline({
      stages: [this.#detection.stage, this.#redaction.stage, this.#localApi.stage],
      log: this.#events,
      marker: this.#marker,
      congestion: () => this.deliveries.congestion,
      blocked: () => this.deliveries.blocked,
    });
    this.#client = this.#makeClient();
  }

  /** The address that opens the page in a browser: a secret, because it has the token. Undefined when no page is served. */
  get dashboardUrl(): string | undefined {
    return this.#localApi.dashboardUrl;
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
    this.#detection.containerNames.adopt(this.#config.containers);
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
    this.#detection.containerNames.adopt(config.containers);
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
    await this.#localApi.close();
    await this.#metrics.close();
    return unwritten;
  }

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
    const { metrics } = config;
    await this.#metrics.change(metrics && { address: metrics.listen, group: 'own' }, () =>
      this.#localApi.change(config, changeOutputs),
    );
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
        this.#localApi.begin(numbering);
        const due = this.#events.begin(numbering);
        this.#marker.begin(numbering, due);
        return due;
      },
      onItems: (items) => {
        this.#localApi.takeReceived(items);
        return this.#pipeline.take(items);
      },
    });
  }
}
