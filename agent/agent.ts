import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from './config/schema.ts';
import { Detection } from './detection/detection.ts';
import type { Log } from './log.ts';
import { Deliveries } from './delivery/deliveries.ts';
import { Marker } from './delivery/seal/marker.ts';
import { Log as EventLog } from './delivery/log/log.ts';
import type { SealFacts } from './events/mark.ts';
import { Metrics } from './metrics/metrics.ts';
import { Pipeline } from './pipeline.ts';
import { Redaction } from './redaction/redaction.ts';
import type { Trust } from './source/connect.ts';
import { HelperClient } from './source/helper-client.ts';
import { ReplayFilter } from './source/replay-filter.ts';
import { SourceState } from './source/source-state.ts';
import { Telemetry } from './telemetry/telemetry.ts';

export interface AgentOptions {
  config: Config;
  /** SHA-256 of the file that it is from. */
  configSha256?: string;
  log: Log;
  /** The required owner of the helper's socket. */
  trust: Trust;
  /** Called once, when the reader of standard output has gone. */
  onReaderGone: () => void;
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
  readonly #metrics: Metrics;
  readonly #marker: Marker;
  #config: Config;
  #configSha256: string | undefined;
  #client: HelperClient;

  constructor({ config, configSha256, log, trust, onReaderGone }: AgentOptions) {
    this.telemetry = new Telemetry(log);
    this.#log = log;
    this.#trust = trust;
    this.#config = config;
    this.#configSha256 = configSha256;
    this.#detection = new Detection(this.telemetry, { onChange: () => this.#marker.mark('reload') });
    this.#redaction = new Redaction(this.telemetry);
    this.#filter = new ReplayFilter(undefined, this.#detection.learn);
    this.deliveries = new Deliveries(this.#events, this.telemetry, onReaderGone);
    this.#marker = new Marker({
      log: this.#events,
      facts: () => this.#facts,
      isNeeded: () => this.deliveries.haveSeals,
    });
    this.#metrics = new Metrics({
      telemetry: this.telemetry,
      source: this.source,
      detection: this.#detection.counters,
      log: this.#events,
      deliveries: this.deliveries,
    });
    this.#pipeline = new Pipeline({
      stages: [this.#detection.stage, this.#redaction.stage],
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
    await this.#metrics.close();
    return unwritten;
  }

  async #changeOutputs(config: Config): Promise<void> {
    const changeOutputs = () =>
      this.deliveries.change(
        config,
        () => this.#deadline(),
        () => this.#marker.mark('reload'),
      );
    await this.#metrics.change(config.metrics, changeOutputs);
  }

  /** What seals say of what is in force. */
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
