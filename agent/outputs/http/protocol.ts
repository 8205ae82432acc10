import { crc32 } from 'node:zlib';
import type { Identity } from '../../formats/identified.ts';
import type { Part } from '../network/parts.ts';
import { merged } from '../web/client.ts';
import type { Reply } from '../web/exchange.ts';
import type { Judgement, WebProtocol, WebRequest } from '../web/protocol.ts';
import { arrayOf } from './body.ts';
import { replyPattern, type HttpOutputConfig } from './config.ts';
import { judge, type Condition, type Reading } from './judge.ts';
import { fill, type Values } from './template.ts';

/** Lines of JSON to any web server, as the administrator describes it: address, headers, and what a reply means. */
export class HttpProtocol implements WebProtocol {
  readonly #config: HttpOutputConfig;
  readonly #reading: Reading;

  constructor(config: HttpOutputConfig) {
    const { accept, refuse } = config;
    this.#config = config;
    this.#reading = { accept: conditionOf(accept), refuse: refuse && conditionOf(refuse) };
  }

  requestFor(part: Part, identity: Identity): WebRequest {
    const { body, headers, method, url } = this.#config;
    const values = valuesFor(part, identity);
    const isArray = body === 'array';
    return {
      address: new URL(fill(url, values, encodeURIComponent)),
      method,
      headers: merged(
        { 'Content-Type': isArray ? 'application/json' : 'application/x-ndjson' },
        Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, fill(value, values, printable)])),
      ),
      body: isArray ? arrayOf(part) : part.lines,
    };
  }

  judge(reply: Reply): Judgement {
    return judge(reply, this.#reading);
  }
}

function valuesFor({ lines, bootId = 'unknown', first, last }: Part, { hostId, host, stream }: Identity): Values {
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
