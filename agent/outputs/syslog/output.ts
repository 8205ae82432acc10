import { setImmediate as tick } from 'node:timers/promises';
import { reasonOf } from '../../errors.ts';
import type { Format } from '../../formats/format.ts';
import { formatOf } from '../../formats/choice.ts';
import { SHARE_BEFORE_FORMAT } from '../../formats/config.ts';
import { identityOf } from '../../formats/identified.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { batchLimits } from '../network/batch-limits.ts';
import { DeadLetters } from '../network/dead-letters.ts';
import { isLoopback } from '../network/loopback.ts';
import { Pacer } from '../network/pacer.ts';
import { Protection } from '../network/protection.ts';
import { SmallFiles } from '../network/small-files.ts';
import { tlsFiles, tlsOptions } from '../network/tls.ts';
import { stuckAfter } from '../network/stuck.ts';
import { TAKEN, type Batch, type BatchLimits, type Outcome, type Output } from '../output.ts';
import { targetOf, weaknessOf, type SyslogOutputConfig } from './config.ts';
import { ConnectionError, type ConnectOptions } from './connection.ts';
import { facilityNumber } from './facility.ts';
import { Headers, MAX_HEADER_BYTES } from './message.ts';
import { RelpSession } from './relp/session.ts';
import type { Sent, Session } from './session.ts';
import { StreamSession } from './stream-session.ts';

/** How long a new connection without acknowledgements has to last before something is sent on it, in milliseconds. */
const SETTLE_MS = 1000;

const NEWLINE = Buffer.from('\n');

const REFUSED = 'the receiver refuses it: status 500';

/** Messages of RFC 5424, over RELP or as a plain stream. */
export class SyslogOutput implements Output {
  format: Format | undefined;
  readonly limits: BatchLimits;
  readonly stuckAfterMs: number;
  readonly #config: SyslogOutputConfig;
  readonly #telemetry: Telemetry;
  readonly #files: SmallFiles;
  readonly #pacer: Pacer | undefined;
  readonly #deadLetters: DeadLetters;
  readonly #protection: Protection;
  readonly #settleMs: number;
  #headers: Headers | undefined;
  #session: Session | undefined;

  constructor(config: SyslogOutputConfig, telemetry: Telemetry, settleMs = SETTLE_MS) {
    const { name, dead_letter, max_rate, tls } = config;
    this.#config = config;
    this.#telemetry = telemetry;
    this.#settleMs = settleMs;
    this.#files = new SmallFiles(tlsFiles(tls));
    this.#pacer = max_rate === undefined ? undefined : new Pacer(max_rate);
    this.#deadLetters = new DeadLetters(name, dead_letter, telemetry);
    this.#protection = new Protection(telemetry, name);
    this.limits = batchLimits(config, SHARE_BEFORE_FORMAT[config.format]);
    this.stuckAfterMs = stuckAfter(config.timeout);
  }

  /** Does not connect: the agent also starts while the receiver is away. */
  async open(): Promise<void> {
    const { facility, format, name, tls } = this.#config;
    if (this.format === undefined) {
      const identity = identityOf(name);
      this.format = await formatOf(format, identity);
      this.#headers = new Headers(identity.host, facilityNumber(facility));
    }
    await this.#files.refresh(true);
    tlsOptions(tls, this.#files);
    await this.#deadLetters.open();
    this.#warn();
  }

  async send(batch: Batch): Promise<Outcome> {
    const { short, long } = this.#byLength(batch);
    await this.#pacer?.wait(short.length, () => batch.stillWorking());
    const sent = short.length === 0 ? { settled: 0, refused: [] } : await this.#sendMessages(batch, short);
    // The first one that is not settled; the end of the batch when all are.
    const through = short[sent.settled] ?? batch.records;
    const refused = new Map<number, string>();
    for (const record of long) if (record < through) refused.set(record, 'longer than max_message_bytes');
    for (const i of sent.refused) refused.set(short[i]!, REFUSED);
    if (refused.size > 0) {
      const records = [...refused.keys()].toSorted((a, b) => a - b);
      const lineOf = cutter(batch);
      for (const record of records)
        await this.#deadLetters.bury(Buffer.concat([lineOf(record), NEWLINE]), { reason: refused.get(record)! });
      return { kind: 'refused', reason: refused.get(records.at(-1)!)!, records, through };
    }
    if (sent.problem === undefined) return TAKEN;
    return { kind: 'retry', reason: sent.problem, taken: through };
  }

  /** Records by whether the receiver takes messages of that length. */
  #byLength(batch: Batch): { short: number[]; long: number[] } {
    const short: number[] = [];
    const long: number[] = [];
    const lineOf = cutter(batch);
    for (let record = 0; record < batch.records; record++)
      (this.#isTooLong(lineOf(record)) ? long : short).push(record);
    return { short, long };
  }

  #isTooLong(line: Buffer): boolean {
    const { max_message_bytes: most } = this.#config;
    // Most lines need no header to know.
    return line.length + MAX_HEADER_BYTES > most && line.length + this.#headers!.of(line).length > most;
  }

  async #sendMessages(batch: Batch, records: readonly number[]): Promise<Sent> {
    try {
      const session = await this.#ready();
      const lineOf = cutter(batch);
      const sent = await session.send({
        count: records.length,
        at: (i) => {
          // Asked for when there is room, because an earlier one has arrived.
          batch.stillWorking();
          const line = lineOf(records[i]!);
          return [this.#headers!.of(line), line];
        },
      });
      this.#tellLoss(session);
      return sent;
    } catch (error) {
      return { settled: 0, refused: [], problem: reasonOf(error) };
    }
  }

  /** The session, or a new one where there is none any more, or certificates were replaced. @throws when there is none */
  async #ready(): Promise<Session> {
    const isOld = await this.#files.refresh();
    // The end of a connection that was idle is seen only now.
    await tick();
    const session = this.#session;
    if (session !== undefined) this.#tellLoss(session);
    if (session !== undefined && session.problem === undefined && !isOld) return session;
    this.#session = undefined;
    await session?.close();
    const { timeout: timeoutMs, tls, transport } = this.#config;
    const options: ConnectOptions = {
      target: targetOf(this.#config),
      tls: tls === undefined ? undefined : tlsOptions(tls, this.#files),
      timeoutMs,
    };
    try {
      const opening = transport === 'relp' ? RelpSession.open(options) : StreamSession.open(options, this.#settleMs);
      return (this.#session = await opening);
    } catch (error) {
      // Perhaps a certificate was replaced in a way that does not show.
      if (error instanceof ConnectionError) await this.#files.refresh(true).catch(() => undefined);
      throw error;
    }
  }

  /** @throws when a session has ended that may have lost something: said once; the batch goes over the next connection */
  #tellLoss({ problem, isAcknowledged }: Session): void {
    if (problem === undefined || isAcknowledged) return;
    this.#session = undefined;
    throw new ConnectionError(`${problem}; what was on its way may be lost`);
  }

  #warn(): void {
    const { name: output, tls } = this.#config;
    const target = targetOf(this.#config);
    const isExposed = tls === undefined && 'host' in target && !isLoopback(target.host);
    const plain = isExposed ? 'without tls it is not encrypted: who is in between reads the events' : undefined;
    if (!this.#protection.check(tls, plain)) return;
    const reason = weaknessOf(this.#config);
    if (reason !== undefined) this.#telemetry.raise('OutputUnacknowledged', { output, reason });
  }

  async flush(): Promise<void> {
    // What RELP acknowledged is in the receiver's hands, and what a stream took is in the kernel's.
  }

  async close(): Promise<void> {
    await this.#session?.close();
    this.#session = undefined;
    await this.#deadLetters.close();
  }
}

/** Cuts the lines of a batch out of it, without their newlines. */
function cutter(batch: Batch): (record: number) => Buffer {
  const { lines } = batch;
  return (record) => lines.subarray(record === 0 ? 0 : batch.endOf(record - 1), batch.endOf(record) - 1);
}
