import { Agent as PlainAgent, request as requestPlain } from 'node:http';
import { Agent as TlsAgent, request as requestTls } from 'node:https';
import { crc32 } from 'node:zlib';
import { VERSION } from '../../../shared/version.ts';
import { reasonOf } from '../../errors.ts';
import type { Format } from '../../formats/format.ts';
import { formatOf } from '../../formats/choice.ts';
import { SHARE_BEFORE_FORMAT } from '../../formats/config.ts';
import { identityOf, type Identity } from '../../formats/identified.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { connectionProblem } from '../network/connection-error.ts';
import { batchLimits } from '../network/batch-limits.ts';
import { DeadLetters } from '../network/dead-letters.ts';
import { Pacer } from '../network/pacer.ts';
import { PartSize } from '../network/part-size.ts';
import { sendInParts, type Part, type Verdict } from '../network/parts.ts';
import { Protection } from '../network/protection.ts';
import { haveChanged, SmallFiles } from '../network/small-files.ts';
import { isLoopback } from '../network/loopback.ts';
import { tlsFiles, tlsOptions } from '../network/tls.ts';
import type { Batch, BatchLimits, Outcome, Output } from '../output.ts';
import { bodyOf } from './body.ts';
import { isPlain, replyPattern, type HttpOutputConfig } from './config.ts';
import { authFiles, credentialsOf, type Credentials } from './credentials.ts';
import { exchange, NoReplyError, type Reply } from './exchange.ts';
import { judge, type Condition, type Judgement, type Reading } from './judge.ts';
import { fill, type Values } from './template.ts';

/** How much of a reply goes into a dead letter, in characters. */
const MAX_REPLY_SHOWN = 1024;

const USER_AGENT = `platform-probes/${VERSION}`;

/** Batches of JSON to a web server, one after the other. A batch counts as taken only when the receiver says so. */
export class HttpOutput implements Output {
  format: Format | undefined;
  readonly limits: BatchLimits;
  readonly #config: HttpOutputConfig;
  readonly #files: SmallFiles;
  readonly #reading: Reading;
  readonly #pacer: Pacer | undefined;
  readonly #size: PartSize;
  readonly #deadLetters: DeadLetters;
  readonly #protection: Protection;
  #identity: Identity | undefined;
  #agent: PlainAgent | undefined;
  #credentials: Credentials = { headers: {}, secrets: [] };
  /** Whether what was read last could be used. */
  #filesAreUsed = false;
  /** The receiver's last reply, for a dead letter. */
  #reply: Reply | undefined;

  constructor(config: HttpOutputConfig, telemetry: Telemetry) {
    const { name, accept, auth, batch, dead_letter, max_rate, refuse, tls } = config;
    this.#config = config;
    this.#files = new SmallFiles([...tlsFiles(tls), ...authFiles(auth)]);
    this.#reading = { accept: conditionOf(accept), refuse: refuse && conditionOf(refuse) };
    this.#pacer = max_rate === undefined ? undefined : new Pacer(max_rate);
    this.#size = new PartSize(batch.max_bytes);
    this.#deadLetters = new DeadLetters(name, dead_letter, telemetry);
    this.#protection = new Protection(telemetry, name);
    this.limits = batchLimits(config, SHARE_BEFORE_FORMAT[config.format]);
  }

  /** Does not connect: the agent also starts while the receiver is away. */
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
      if ((await this.#files.refresh()) || !this.#filesAreUsed) this.#useFiles();
    } catch (error) {
      return { kind: 'retry', reason: reasonOf(error) };
    }
    return sendInParts(batch, {
      maxBytes: () => this.#size.bytes,
      send: (part) => this.#sendPart(part),
      onRefused: (line, reason) => this.#deadLetters.bury(line, { reason, ...this.#replyText() }),
    });
  }

  async #sendPart(part: Part): Promise<Verdict> {
    await this.#pacer?.wait(part.records);
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
        return { ...judgement, kind: 'retry' };
      default:
        return judgement;
    }
  }

  async #attempt(part: Part): Promise<Judgement> {
    try {
      this.#reply = await this.#post(part);
      return judge(this.#reply, this.#reading);
    } catch (error) {
      if (!(error instanceof NoReplyError)) throw error;
      if (error.cutOff && part.records > 1) this.#size.cutOff(part.lines.length);
      return { kind: 'retry', reason: error.message || connectionProblem(error.cause) };
    }
  }

  /** Sends it once more, on a new connection, where the receiver closed the old one while it was idle. */
  async #post(part: Part): Promise<Reply> {
    try {
      return await this.#postOnce(part);
    } catch (error) {
      if (!(error instanceof NoReplyError && error.stale)) throw error;
      return this.#postOnce(part);
    }
  }

  async #postOnce(part: Part): Promise<Reply> {
    const { method, headers, timeout, url } = this.#config;
    const values = this.#valuesFor(part);
    const body = await bodyOf(part, this.#config);
    const address = new URL(fill(url, values, encodeURIComponent));
    const request = (address.protocol === 'https:' ? requestTls : requestPlain)(address, {
      method,
      agent: this.#agent,
      headers: {
        'User-Agent': USER_AGENT,
        ...body.headers,
        ...withoutCase(headers, values, body.headers),
        'Content-Length': body.data.length,
        ...this.#credentials.headers,
      },
    });
    return exchange(request, body.data, timeout);
  }

  #valuesFor({ lines, bootId = 'unknown', first, last }: Part): Values {
    const { hostId, host, stream } = this.#identity!;
    return {
      get batch() {
        return `${bootId}:${stream}:${first}-${last}:${crc32(lines).toString(16).padStart(8, '0')}`;
      },
      host_id: hostId,
      host,
      boot_id: bootId,
      stream,
    };
  }

  /** @throws when the files cannot be used; nothing is sent until they can */
  #useFiles(): void {
    const { auth, tls } = this.#config;
    this.#filesAreUsed = false;
    const credentials = credentialsOf(auth, this.#files);
    const options = tlsOptions(tls, this.#files);
    this.#agent?.destroy();
    const pool = { keepAlive: true, maxSockets: 1, maxFreeSockets: 1 };
    this.#agent = isPlain(this.#config.url) ? new PlainAgent(pool) : new TlsAgent({ ...pool, ...options });
    this.#credentials = credentials;
    this.#filesAreUsed = true;
  }

  #warn(): void {
    const { tls, url } = this.#config;
    const isExposed = isPlain(url) && !isLoopback(new URL(url).hostname);
    this.#protection.check(
      tls,
      isExposed ? 'http is not encrypted: who is in between reads the events, and the secret of auth' : undefined,
    );
  }

  /** The reply as text. A secret that the receiver repeated is taken out. */
  #replyText(): { reply?: string } {
    let text = this.#reply?.body.toString('utf8') ?? '';
    for (const secret of this.#credentials.secrets) text = text.replaceAll(secret, '***');
    return text === '' ? {} : { reply: text.slice(0, MAX_REPLY_SHOWN) };
  }

  async flush(): Promise<void> {
    // What the receiver took is in its hands.
  }

  async close(): Promise<void> {
    this.#agent?.destroy();
    await this.#deadLetters.close();
  }
}

/** The configured headers with their placeholders filled, spelt like our own ones that they replace. */
function withoutCase(
  headers: Readonly<Record<string, string>>,
  values: Values,
  own: Record<string, string>,
): Record<string, string> {
  const spelling = new Map(['User-Agent', ...Object.keys(own)].map((name) => [name.toLowerCase(), name]));
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      spelling.get(name.toLowerCase()) ?? name,
      fill(value, values, printable),
    ]),
  );
}

/** Replaces what a header cannot carry: a host's name may hold anything. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/gu, '?');
}

function conditionOf({ status, body }: HttpOutputConfig['accept']): Condition {
  return {
    statuses: status === undefined ? undefined : new Set(status),
    body: body === undefined ? undefined : replyPattern(body),
  };
}
