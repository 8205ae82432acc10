import type { Identity } from '../../formats/identified.ts';
import type { Part } from '../network/parts.ts';
import { merged } from '../web/client.ts';
import type { Reply } from '../web/exchange.ts';
import type { Judgement, WebProtocol, WebRequest } from '../web/protocol.ts';
import type { LokiOutputConfig } from './config.ts';
import { entryOf, type RecordLabel } from './entry.ts';
import { judge } from './judge.ts';

const SERVICE_NAME = 'platform-probes';

/** Where pushes go, and the headers that say whose they are. */
export function pushTarget({ url, tenant, headers }: LokiOutputConfig): {
  address: URL;
  headers: Readonly<Record<string, string>>;
} {
  const address = new URL(url);
  address.pathname = `${address.pathname.replace(/\/+$/u, '')}/loki/api/v1/push`;
  const own = { 'Content-Type': 'application/json', ...(tenant === undefined ? {} : { 'X-Scope-OrgID': tenant }) };
  return { address, headers: merged(own, headers) };
}

/** Push requests in JSON. Loki's HTTP API, `POST /loki/api/v1/push`; structured metadata needs Loki 2.9 or newer. */
export class PushProtocol implements WebProtocol {
  readonly #address: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #labels: Readonly<Record<string, string>>;
  readonly #now: () => number;

  /** @param now milliseconds since 1970 */
  constructor(config: LokiOutputConfig, now: () => number = Date.now) {
    const { address, headers } = pushTarget(config);
    this.#address = address;
    this.#headers = headers;
    this.#labels = { service_name: SERVICE_NAME, ...config.labels };
    this.#now = now;
  }

  requestFor(part: Part, identity: Identity): WebRequest {
    const nowMs = this.#now();
    const entries: Record<RecordLabel, string[]> = { event: [], delivery: [] };
    for (let i = 0; i < part.records; i++) {
      const { label, json } = entryOf(part, i, identity, nowMs);
      entries[label].push(json);
    }
    const streams = (['event', 'delivery'] as const)
      .filter((record) => entries[record].length > 0)
      .map((record) => {
        const labels = JSON.stringify({ ...this.#labels, host: identity.host, record });
        return `{"stream":${labels},"values":[${entries[record].join()}]}`;
      });
    return {
      address: this.#address,
      method: 'POST',
      headers: this.#headers,
      body: Buffer.from(`{"streams":[${streams.join()}]}`),
    };
  }

  judge(reply: Reply): Judgement {
    return judge(reply);
  }
}
