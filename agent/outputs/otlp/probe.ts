import type { Probed } from '../probe.ts';
import { badAnswer, probeWeb } from '../web/probe.ts';
import { statusText } from '../web/status.ts';
import { logsAddress, type OtlpOutputConfig } from './config.ts';
import { responseOf } from './reply.ts';

/** An export without records, in each encoding: a receiver answers it with success. OTLP, "OTLP/HTTP Response". */
const EMPTY = {
  protobuf: { type: 'application/x-protobuf', body: Buffer.alloc(0) },
  json: { type: 'application/json', body: Buffer.from('{}') },
} as const;

/** Exports nothing: the whole way of a request, with no record in it. */
export function probe(config: OtlpOutputConfig): Promise<Probed> {
  const { type, body } = EMPTY[config.encoding];
  const headers = { 'Content-Type': type, ...config.headers };
  const request = { address: logsAddress(config.url), method: 'POST', headers, body };
  return probeWeb(config, request, (reply) => {
    const bad = badAnswer(reply, config);
    if (bad !== undefined) return bad;
    const { status } = reply;
    if (status < 200 || status > 299)
      return { verdict: 'warning', says: `status ${statusText(status)} to an export without records; can be reached` };
    return responseOf(reply.body, reply.headers['content-type'], config.encoding) === undefined
      ? { verdict: 'problem', says: 'its answer is not one of OTLP; check url' }
      : {
          verdict: 'ok',
          says: `takes an export without records${config.auth === undefined ? '' : ', and the credentials'}`,
        };
  });
}
