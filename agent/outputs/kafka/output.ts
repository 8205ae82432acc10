import { setTimeout as delay } from 'node:timers/promises';
import { reasonOf } from '../../errors.ts';
import type { Format } from '../../formats/format.ts';
import { formatOf } from '../../formats/choice.ts';
import { SHARE_BEFORE_FORMAT } from '../../formats/config.ts';
import { identityOf } from '../../formats/identified.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { batchLimits } from '../network/batch-limits.ts';
import { DeadLetters } from '../network/dead-letters.ts';
import { Pacer } from '../network/pacer.ts';
import { PartSize } from '../network/part-size.ts';
import { sendInParts, type Part, type Verdict } from '../network/parts.ts';
import { Protection } from '../network/protection.ts';
import { haveChanged, SmallFiles } from '../network/small-files.ts';
import { isLoopback } from '../network/loopback.ts';
import { tlsFiles } from '../network/tls.ts';
import { stuckAfter } from '../network/stuck.ts';
import type { Batch, BatchLimits, Outcome, Output } from '../output.ts';
import { accessOf } from './access.ts';
import { addressIn } from './address.ts';
import { AppendError } from './append-error.ts';
import { Cluster } from './cluster.ts';
import type { KafkaOutputConfig } from './config.ts';
import { explain } from './error-codes.ts';
import { recordsOf } from './records.ts';
import { API, PRODUCE_WITH_ZSTD } from './wire/messages.ts';
import { recordBatch } from './wire/record-batch.ts';

/** Of `batch.max_bytes`, lines may have so much: the key and the headers of their records take the rest. */
const SHARE_FOR_LINES = 2 / 3;

/** The longest wait that a broker can ask for, in milliseconds. */
const LONGEST_THROTTLE_MS = 60_000;

/** The fate of an attempt. */
type Judgement = Verdict | { readonly kind: 'unauthorized' | 'too_large'; readonly reason: string };

/**
 * Records of a Kafka topic: one for each line, all with the host's id as their key, so that they are in one partition and in
 * order. One batch at a time; it counts as taken when all replicas in sync have it.
 */
export class KafkaOutput implements Output {
  format: Format | undefined;
  readonly limits: BatchLimits;
  readonly stuckAfterMs: number;
  readonly #config: KafkaOutputConfig;
  readonly #files: SmallFiles;
  readonly #pacer: Pacer | undefined;
  readonly #size: PartSize;
  readonly #deadLetters: DeadLetters;
  readonly #protection: Protection;
  #key: Buffer | undefined;
  #cluster: Cluster | undefined;
  /** Whether what was read last could be used. */
  #filesAreUsed = false;
  /** When the broker takes the next batch, on the clock of `performance.now`. */
  #throttledUntil = 0;

  constructor(config: KafkaOutputConfig, telemetry: Telemetry) {
    const { name, auth, batch, dead_letter, max_rate, tls } = config;
    this.#config = config;
    this.#files = new SmallFiles([...tlsFiles(tls), auth?.password_file]);
    this.#pacer = max_rate === undefined ? undefined : new Pacer(max_rate);
    const lineBytes = Math.floor(batch.max_bytes * SHARE_FOR_LINES);
    this.#size = new PartSize(lineBytes);
    this.#deadLetters = new DeadLetters(name, dead_letter, telemetry);
    this.#protection = new Protection(telemetry, name);
    this.limits = batchLimits(config, SHARE_FOR_LINES * SHARE_BEFORE_FORMAT[config.format]);
    this.stuckAfterMs = stuckAfter(config.timeout);
  }

  /** Does not connect: the agent also starts while the brokers are away. */
  async open(): Promise<void> {
    const { brokers, compression, format, name, timeout, topic } = this.#config;
    const identity = identityOf(name);
    this.format ??= await formatOf(format, identity);
    this.#key ??= Buffer.from(identity.hostId);
    this.#cluster ??= new Cluster({
      brokers: brokers.map((broker) => addressIn(broker)!),
      topic,
      key: this.#key,
      leastProduce: compression === 'zstd' ? PRODUCE_WITH_ZSTD : API.produce.min,
      timeoutMs: timeout,
    });
    await this.#files.refresh(true);
    this.#useFiles();
    await this.#deadLetters.open();
    this.#warn();
  }

  async send(batch: Batch): Promise<Outcome> {
    try {
      if ((await this.#files.refresh()) || !this.#filesAreUsed) this.#useFiles();
    } catch (error) {
      return { kind: 'retry', reason: reasonOf(error) };
    }
    return sendInParts(batch, {
      maxBytes: () => this.#size.bytes,
      send: (part) => this.#sendPart(part),
      onRefused: (line, reason) => this.#deadLetters.bury(line, { reason }),
    });
  }

  async #sendPart(part: Part): Promise<Verdict> {
    await this.#pacer?.wait(part.records, () => part.stillWorking());
    const throttledMs = this.#throttledUntil - performance.now();
    if (throttledMs > 0) await delay(throttledMs);
    let judgement = await this.#attempt(part);
    if (judgement.kind === 'unauthorized' && (await haveChanged(this.#files, () => this.#useFiles())))
      judgement = await this.#attempt(part);
    switch (judgement.kind) {
      case 'taken':
        this.#size.taken();
        return judgement;
      case 'too_large':
        if (part.records > 1) this.#size.tooLarge(part.lines.length);
        return { kind: 'refused', reason: judgement.reason };
      case 'unauthorized':
        return { kind: 'retry', reason: judgement.reason };
      default:
        return judgement;
    }
  }

  async #attempt(part: Part): Promise<Judgement> {
    const { compression } = this.#config;
    const batch = await recordBatch(recordsOf(part), {
      key: this.#key!,
      compression,
      timestamp: Date.now(),
      bytes: Math.ceil(part.lines.length / SHARE_FOR_LINES),
    });
    try {
      const { error, throttleMs } = await this.#cluster!.append(batch);
      this.#throttledUntil = performance.now() + Math.min(throttleMs, LONGEST_THROTTLE_MS);
      if (error === 0) return { kind: 'taken' };
      const { meaning, reason } = explain(error);
      return { kind: meaning, reason };
    } catch (error) {
      if (!(error instanceof AppendError)) throw error;
      if (error.cutOff && part.records > 1) this.#size.cutOff(part.lines.length);
      return { kind: error.unauthorized ? 'unauthorized' : 'retry', reason: error.message };
    }
  }

  /** @throws when the files cannot be used; nothing is sent until they can */
  #useFiles(): void {
    this.#filesAreUsed = false;
    this.#cluster!.use(accessOf(this.#config, this.#files));
    this.#filesAreUsed = true;
  }

  #warn(): void {
    const { brokers, tls } = this.#config;
    const remote = brokers.some((broker) => !isLoopback(addressIn(broker)!.host));
    const isExposed = tls === undefined && remote;
    this.#protection.check(
      tls,
      isExposed
        ? 'without tls nothing is encrypted: who is in between reads the events, and the password of auth with mechanism plain'
        : undefined,
    );
  }

  async flush(): Promise<void> {
    // The replicas have the records that they acknowledged.
  }

  async close(): Promise<void> {
    this.#cluster?.close();
    await this.#deadLetters.close();
  }
}
