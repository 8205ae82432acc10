import { randomInt } from 'node:crypto';
import type { ConnectionOptions } from 'node:tls';
import { reasonOf } from '../../errors.ts';
import type { Format } from '../../formats/format.ts';
import { formatOf } from '../../formats/choice.ts';
import { identityOf, type Identity } from '../../formats/identified.ts';
import { typeIn } from '../../formats/line-fields.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { batchLimits } from '../network/batch-limits.ts';
import { DeadLetters } from '../network/dead-letters.ts';
import { isLoopback } from '../network/loopback.ts';
import { Pacer } from '../network/pacer.ts';
import { Protection } from '../network/protection.ts';
import { recordId } from '../network/record-id.ts';
import { haveChanged, SmallFiles } from '../network/small-files.ts';
import { tlsFiles, tlsOptions } from '../network/tls.ts';
import { withoutSecrets } from '../network/without-secrets.ts';
import { stuckAfter } from '../network/stuck.ts';
import { TAKEN, type Batch, type BatchLimits, type Outcome, type Output } from '../output.ts';
import { judge } from './acknowledgement.ts';
import { addressOf, type NatsOutputConfig } from './config.ts';
import { Connection, headOf } from './connection.ts';
import { authFiles, credentialsOf, type Credentials } from './credentials.ts';
import { Publisher, type Message, type Sent } from './publisher.ts';
import { ServerError } from './server-error.ts';
import { subjectOf, subjectPattern } from './subject.ts';

/** How much of a reply goes into a dead letter, in characters. */
const MAX_REPLY_SHOWN = 1024;

/** Types whose subjects are remembered; the helper knows some ten. */
const MAX_SUBJECTS = 64;

/**
 * Lines to a JetStream stream, a message each, on one connection. A batch counts as taken when each of its messages is
 * acknowledged.
 */
export class NatsOutput implements Output {
  format: Format | undefined;
  readonly limits: BatchLimits;
  readonly stuckAfterMs: number;
  readonly #config: NatsOutputConfig;
  readonly #files: SmallFiles;
  readonly #pacer: Pacer | undefined;
  readonly #deadLetters: DeadLetters;
  readonly #protection: Protection;
  /** By boot and type. */
  readonly #subjects = new Map<string, string>();
  #identity: Identity | undefined;
  #credentials: Credentials | undefined;
  #tls: ConnectionOptions = {};
  #connection: Connection | undefined;
  #publisher: Publisher | undefined;
  /** The server that is tried next. The first is drawn: many agents have the same list. */
  #server: number;

  constructor(config: NatsOutputConfig, telemetry: Telemetry) {
    const { name, auth, dead_letter, max_rate, servers, tls } = config;
    this.#config = config;
    this.#files = new SmallFiles([...tlsFiles(tls), ...authFiles(auth)]);
    this.#pacer = max_rate === undefined ? undefined : new Pacer(max_rate);
    this.#deadLetters = new DeadLetters(name, dead_letter, telemetry);
    this.#protection = new Protection(telemetry, name);
    this.#server = randomInt(servers.length);
    this.limits = batchLimits(config);
    this.stuckAfterMs = stuckAfter(config.timeout);
  }

  /** Does not connect: the agent also starts while the servers are away. */
  async open(): Promise<void> {
    this.#identity ??= identityOf(this.#config.name);
    this.format ??= await formatOf(this.#config.format, this.#identity);
    await this.#files.refresh(true);
    this.#useFiles();
    await this.#deadLetters.open();
    this.#warn();
  }

  async send(batch: Batch): Promise<Outcome> {
    try {
      if ((await this.#files.refresh()) || this.#credentials === undefined) this.#useFiles();
      if (this.#connection?.isUsable !== true) await this.#connect();
    } catch (error) {
      return { kind: 'retry', reason: reasonOf(error) };
    }
    await this.#pacer?.wait(batch.records, () => batch.stillWorking());
    const { lines } = batch;
    const lineAt = (i: number): Buffer => lines.subarray(i === 0 ? 0 : batch.endOf(i - 1), batch.endOf(i));
    const sent = await this.#publisher!.publish(batch.records, (i) => {
      // Asked for when an earlier one is answered.
      batch.stillWorking();
      return this.#messageOf(batch, lineAt(i), i);
    });
    return this.#outcomeOf(sent, lineAt);
  }

  /** Connects, to the next server where there was a connection. @throws where it does not take the agent */
  async #connect(): Promise<void> {
    if (this.#connection !== undefined) this.#server++;
    this.#disconnect();
    try {
      this.#connection = await this.#openConnection();
    } catch (error) {
      if (
        !(error instanceof ServerError) ||
        !error.unauthorized ||
        !(await haveChanged(this.#files, () => this.#useFiles()))
      )
        throw error;
      this.#connection = await this.#openConnection();
    }
    const { stream, subject } = this.#config;
    this.#publisher = new Publisher(this.#connection, (reply) => judge(reply, stream, subjectPattern(subject)));
  }

  async #openConnection(): Promise<Connection> {
    const { inbox_prefix, servers, timeout, tls, tls_first } = this.#config;
    const server = servers[this.#server % servers.length]!;
    try {
      return await Connection.open({
        address: addressOf(server, tls),
        tls: this.#tls,
        tlsFirst: tls_first,
        timeoutMs: timeout,
        credentials: this.#credentials!,
        inboxPrefix: inbox_prefix,
        name: `platform-probes ${this.#identity!.host}`,
      });
    } catch (error) {
      this.#server++;
      throw error;
    }
  }

  #disconnect(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  #messageOf(batch: Batch, line: Buffer, i: number): Message {
    const type = typeIn(line);
    const { stream } = this.#config;
    return {
      subject: this.#subjectOf(batch.bootId ?? 'unknown', type),
      head: headOf([
        `Nats-Msg-Id: ${recordId(batch, i, line, type, this.#identity!)}`,
        ...(stream === undefined ? [] : [`Nats-Expected-Stream: ${stream}`]),
      ]),
      payload: line.subarray(0, -1),
    };
  }

  #subjectOf(bootId: string, type: string): string {
    const key = `${bootId} ${type}`;
    let subject = this.#subjects.get(key);
    if (subject === undefined) {
      const { hostId, host, stream } = this.#identity!;
      subject = subjectOf(this.#config.subject, { host_id: hostId, host, boot_id: bootId, stream, type });
      if (this.#subjects.size >= MAX_SUBJECTS) this.#subjects.clear();
      this.#subjects.set(key, subject);
    }
    return subject;
  }

  /** The outcome for the records in front of the first that has to be sent again. */
  async #outcomeOf(sent: readonly Sent[], lineAt: (i: number) => Buffer): Promise<Outcome> {
    const failed = sent.findIndex(({ fate }) => fate.kind === 'retry');
    const through = failed === -1 ? sent.length : failed;
    const refused: number[] = [];
    let refusal = '';
    for (const [i, { fate, reply }] of sent.slice(0, through).entries()) {
      if (fate.kind !== 'refused') continue;
      refused.push(i);
      refusal = fate.reason;
      await this.#deadLetters.bury(lineAt(i), { reason: refusal, ...this.#shown(reply) });
    }
    if (refused.length > 0) return { kind: 'refused', reason: refusal, records: refused, through };
    const fate = sent[through]?.fate;
    return fate?.kind === 'retry' ? { kind: 'retry', reason: fate.reason, taken: through } : TAKEN;
  }

  /** @throws when the files cannot be used; nothing is sent until they can */
  #useFiles(): void {
    const { auth, tls } = this.#config;
    this.#credentials = undefined;
    this.#disconnect();
    const credentials = credentialsOf(auth, this.#files);
    this.#tls = tlsOptions(tls, this.#files);
    this.#credentials = credentials;
  }

  #warn(): void {
    const { servers, tls } = this.#config;
    const addresses = servers.map((server) => addressOf(server, tls));
    const isExposed = addresses.some(({ host, tls: isTls }) => !isTls && !isLoopback(host));
    this.#protection.check(
      tls,
      isExposed
        ? 'nats:// without tls is not encrypted unless the server asks for it: who is in between reads the events, and the secret of auth'
        : undefined,
    );
  }

  /** A reply without the secrets that the server may have repeated. */
  #shown(reply = ''): { reply?: string } {
    const text = withoutSecrets(reply, this.#credentials?.secrets ?? []);
    return text === '' ? {} : { reply: text.slice(0, MAX_REPLY_SHOWN) };
  }

  async flush(): Promise<void> {
    // The stream has the messages that it acknowledged.
  }

  async close(): Promise<void> {
    this.#disconnect();
    await this.#deadLetters.close();
  }
}
