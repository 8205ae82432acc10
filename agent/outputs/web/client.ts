import { Agent as PlainAgent, request as requestPlain } from 'node:http';
import { Agent as TlsAgent, request as requestTls } from 'node:https';
import { VERSION } from '../../../shared/version.ts';
import type { TlsConfig } from '../network/config.ts';
import { haveChanged, SmallFiles } from '../network/small-files.ts';
import { tlsFiles, tlsOptions } from '../network/tls.ts';
import { withoutSecrets } from '../network/without-secrets.ts';
import { compress } from './compression.ts';
import { isPlain, type AuthConfig, type Compression } from './config.ts';
import { authFiles, credentialsOf, type Credentials } from './credentials.ts';
import { exchange, NoReplyError, type Reply } from './exchange.ts';
import type { WebRequest } from './protocol.ts';

/** The most bytes read of a reply, where a request does not say otherwise. */
const MAX_REPLY_BYTES = 64 * 1024;

const USER_AGENT = `platform-probes/${VERSION}`;

export interface WebClientOptions {
  /** Where requests go; they may have another path. */
  readonly url: string;
  readonly compression: Compression;
  /** Milliseconds, for connection, request and reply. */
  readonly timeout: number;
  readonly tls?: TlsConfig | undefined;
  readonly auth?: AuthConfig | undefined;
}

/** Requests to one web server, one at a time, on a connection that is kept. Certificates and secrets are read again when they change. */
export class WebClient {
  readonly #options: WebClientOptions;
  readonly #files: SmallFiles;
  #agent: PlainAgent | undefined;
  #credentials: Credentials = { headers: {}, secrets: [] };
  /** Whether what was read last could be used. */
  #filesAreUsed = false;

  constructor(options: WebClientOptions) {
    this.#options = options;
    this.#files = new SmallFiles([...tlsFiles(options.tls), ...authFiles(options.auth)]);
  }

  /** Does not connect. @throws an error that names the file that cannot be used, and the next step */
  async open(): Promise<void> {
    await this.#files.refresh(true);
    this.#use();
  }

  /** Reads the files that changed. @throws as `open` does; nothing may be sent until it resolves */
  async refresh(): Promise<void> {
    if ((await this.#files.refresh()) || !this.#filesAreUsed) this.#use();
  }

  /** Reads all files again, after the receiver did not take the credentials. @returns whether there are others now. Never rejects */
  haveOthers(): Promise<boolean> {
    return haveChanged(this.#files, () => this.#use());
  }

  #use(): void {
    const { auth, tls, url } = this.#options;
    this.#filesAreUsed = false;
    const credentials = credentialsOf(auth, this.#files);
    const options = tlsOptions(tls, this.#files);
    this.#agent?.destroy();
    const pool = { keepAlive: true, maxSockets: 1, maxFreeSockets: 1 };
    this.#agent = isPlain(url) ? new PlainAgent(pool) : new TlsAgent({ ...pool, ...options });
    this.#credentials = credentials;
    this.#filesAreUsed = true;
  }

  /**
   * Sends a request and reads the reply. Sends it once more, on a new connection, where the receiver closed the old one while it
   * was idle.
   * @throws {NoReplyError}
   */
  async send(request: WebRequest): Promise<Reply> {
    const { data, headers } = await compress(request.body, this.#options.compression);
    try {
      return await this.#sendOnce(request, data, headers);
    } catch (error) {
      if (!(error instanceof NoReplyError && error.stale)) throw error;
      return this.#sendOnce(request, data, headers);
    }
  }

  #sendOnce(
    { address, method, headers, maxReplyBytes = MAX_REPLY_BYTES }: WebRequest,
    data: Buffer,
    ofCompression: Readonly<Record<string, string>>,
  ): Promise<Reply> {
    const request = (address.protocol === 'https:' ? requestTls : requestPlain)(address, {
      method,
      agent: this.#agent,
      headers: {
        ...merged({ 'User-Agent': USER_AGENT }, headers),
        ...ofCompression,
        'Content-Length': data.length,
        ...this.#credentials.headers,
      },
    });
    return exchange(request, data, this.#options.timeout, maxReplyBytes);
  }

  /** A text of the receiver. A secret that it repeated is taken out. */
  withoutSecrets(text: string): string {
    return withoutSecrets(text, this.#credentials.secrets);
  }

  close(): void {
    this.#agent?.destroy();
  }
}

/** Headers over others: a name that both have, in whatever case, is sent once. */
export function merged(
  headers: Readonly<Record<string, string>>,
  over: Readonly<Record<string, string>>,
): Record<string, string> {
  const spelling = new Map(Object.keys(headers).map((name) => [name.toLowerCase(), name]));
  return {
    ...headers,
    ...Object.fromEntries(
      Object.entries(over).map(([name, value]) => [spelling.get(name.toLowerCase()) ?? name, value]),
    ),
  };
}
