import type { Probed } from '../probe.ts';
import { badAnswer, probeWeb } from '../web/probe.ts';
import { statusText } from '../web/status.ts';
import type { ElasticsearchOutputConfig } from './config.ts';

/** Asks for what a cluster says of itself, `GET /`, which everybody with credentials may. */
export function probe(config: ElasticsearchOutputConfig): Promise<Probed> {
  const address = new URL(config.url);
  const request = { address, method: 'GET', headers: config.headers, body: Buffer.alloc(0) };
  return probeWeb(config, request, (reply) => {
    const bad = badAnswer(reply, config);
    if (bad !== undefined) return bad;
    const { status } = reply;
    if (status === 200)
      return { verdict: 'ok', says: `answers${config.auth === undefined ? '' : ', and takes the credentials'}` };
    return {
      verdict: 'warning',
      says: `status ${statusText(status)}: can be reached, but does not answer as a cluster does`,
    };
  });
}
