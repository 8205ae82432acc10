import { reasonOf } from '../../errors.ts';
import { formatOf } from '../../formats/choice.ts';
import { SHARE_BEFORE_FORMAT } from '../../formats/config.ts';
import type { Format } from '../../formats/format.ts';
import { identityOf, type Identity } from '../../formats/identified.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { batchLimits } from '../network/batch-limits.ts';
import { connectionProblem } from '../network/connection-error.ts';
import { DeadLetters } from '../network/dead-letters.ts';
import { isLoopback } from '../network/loopback.ts';
import { Pacer } from '../network/pacer.ts';
import { PartSize } from '../network/part-size.ts';
import { sendInParts, type Part, type Verdict } from '../network/parts.ts';
import { Protection } from '../network/protection.ts';
import { stuckAfter } from '../network/stuck.ts';
import type { Batch, BatchLimits, Outcome, Output } from '../output.ts';
import { WebClient } from './client.ts';
import { isPlain, type WebOutputConfig } from './config.ts';
import { NoReplyError, type Reply } from './exchange.ts';
import type { Judgement, WebProtocol } from './protocol.ts';
import { reasonIn } from './status.ts';

/** How much of a reply goes into a dead letter, in characters. */
const MAX_REPLY_SHOWN = 1024;

/**
 * Batches to a web server, one after the other. A batch counts as taken only when the receiver says so, as the protocol reads
 * it.
 */
export class WebOutput implements Output {
  format: Format | undefined;
  readonly limits: BatchLimits;
  readonly stuckAfterMs: number;
  readonly #config: WebOutputConfig;
  readonly #protocol: WebProtocol;
  readonly #client: WebClient;
  readonly #pacer: Pacer | undefined;
  readonly #size: PartSize;
  readonly #deadLetters: DeadLetters;
  readonly #protection: Protection;
  #identity: Identity | undefined;
  /** The receiver's last reply, for a dead letter. */
  #reply: Reply | undefined;

  constructor(config: WebOutputConfig, telemetry: Telemetry, protocol: WebProtocol) {
    const { name, batch, dead_letter, max_rate } = config;
    this.#config = config;
    this.#protocol = protocol;
    this.#client = new WebClient(config);
    this.#pacer = max_rate === undefined ? undefined : new Pacer(max_rate);
    this.#size = new PartSize(batch.max_bytes);
    this.#deadLetters = new DeadLetters(name, dead_letter, telemetry);
    this.#protection = new Protection(telemetry, name);
    this.limits = batchLimits(config, SHARE_BEFORE_FORMAT[config.format]);
    this.stuckAfterMs = stuckAfter(config.timeout);
  }

  /** Does not connect: the agent also starts while the receiver is away. */
  async open(): Promise<void> {
    this.#identity ??= identityOf(this.#config.name);
    this.format ??= await formatOf(this.#config.format, this.#identity);
    await this.#client.open();
    await this.#deadLetters.open();
    this.#warn();
  }

  async send(batch: Batch): Promise<Outcome> {
    try {
      await this.#client.refresh();
    } catch (error) {
      return { kind: 'retry', reason: reasonOf(error) };
    }
    return sendInParts(batch, {
      maxBytes: () => this.#size.bytes,
      send: (part) => this.#sendPart(part),
      onRefused: (line, reason, reply) =>
        this.#deadLetters.bury(line, { reason, ...this.#shown(reply ?? this.#reply?.body.toString('utf8')) }),
    });
  }

  async #sendPart(part: Part): Promise<Verdict> {
    const known = this.#protocol.known?.(part);
    if (known !== undefined) return known;
    await this.#pacer?.wait(part.records, () => part.stillWorking());
    let judgement = await this.#attempt(part);
    if (judgement.kind === 'unauthorized' && (await this.#client.haveOthers())) judgement = await this.#attempt(part);
    switch (judgement.kind) {
      case 'taken':
      case 'judged':
        if (judgement.kind === 'taken' || judgement.again === undefined) this.#size.taken();
        return judgement;
      case 'too_large':
        if (part.records > 1) this.#size.tooLarge(part.lines.length);
        return { kind: 'refused', reason: judgement.reason };
      case 'reply_too_long':
        if (part.records > 1) this.#size.tooLarge(part.lines.length);
        return { kind: 'retry', reason: judgement.reason };
      case 'unauthorized':
        return { ...judgement, kind: 'retry' };
      default:
        return judgement;
    }
  }

  async #attempt(part: Part): Promise<Judgement> {
    try {
      this.#reply = await this.#client.send(this.#protocol.requestFor(part, this.#identity!));
      const judgement = this.#protocol.judge(this.#reply, part);
      // A status of failure can count as taken, as `accept.status` says.
      return judgement.kind === 'taken' && this.#reply.isEarly === true
        ? { kind: 'retry', reason: `${reasonIn(this.#reply)}, before the receiver had the whole request` }
        : judgement;
    } catch (error) {
      if (!(error instanceof NoReplyError)) throw error;
      if (error.cutOff && part.records > 1) this.#size.cutOff(part.lines.length);
      return { kind: 'retry', reason: error.message || connectionProblem(error.cause) };
    }
  }

  #warn(): void {
    const { tls, url } = this.#config;
    const isExposed = isPlain(url) && !isLoopback(new URL(url).hostname);
    this.#protection.check(
      tls,
      isExposed ? 'http is not encrypted: who is in between reads the events, and the secret of auth' : undefined,
    );
  }

  #shown(reply = ''): { reply?: string } {
    const text = this.#client.withoutSecrets(reply);
    return text === '' ? {} : { reply: text.slice(0, MAX_REPLY_SHOWN) };
  }

  async flush(): Promise<void> {
    // The receiver has the lines that it took.
  }

  async close(): Promise<void> {
    this.#client.close();
    this.#protocol.close?.();
    await this.#deadLetters.close();
  }
}
