import { reasonOf } from '../../errors.ts';
import { connectionProblem } from '../network/connection-error.ts';
import { PROBE_MS, type Probed } from '../probe.ts';
import { WebClient } from './client.ts';
import type { WebOutputConfig } from './config.ts';
import { NoReplyError, type Reply } from './exchange.ts';
import type { WebRequest } from './protocol.ts';
import { meaningOf, reasonIn, statusText } from './status.ts';

/** Statuses that tell of the address: nothing is there, or it is elsewhere. */
const NOTHING_THERE: ReadonlySet<number> = new Set([404, 410, 421]);

/** Statuses by which a receiver, or what stands in front of it, says that it is not well. */
const UNWELL: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504]);

/** Asks a web server something, with the output's own certificates and credentials. @param judge what its reply means */
export async function probeWeb(
  config: WebOutputConfig,
  request: WebRequest,
  judge: (reply: Reply, config: WebOutputConfig) => Probed,
): Promise<Probed> {
  const { url, tls, auth, timeout } = config;
  const client = new WebClient({ url, tls, auth, compression: 'none', timeout: Math.min(timeout, PROBE_MS) });
  try {
    await client.open();
    return judge(await client.send(request), config);
  } catch (error) {
    if (!(error instanceof NoReplyError)) return { verdict: 'problem', says: reasonOf(error) };
    return { verdict: 'problem', says: error.message || connectionProblem(error.cause) };
  } finally {
    client.close();
  }
}

/** A request that has no effect (RFC 9110, section 9.2.1), and that is let in or refused like any other. */
export const headRequest = (address: URL, headers: Readonly<Record<string, string>>): WebRequest => ({
  address,
  method: 'HEAD',
  headers,
  body: Buffer.alloc(0),
});

/**
 * Judges a reply to `HEAD`. Most receivers take only POST, and answer 400 or 405: the connection stands all the same. Whether
 * they looked at the credentials before, they do not say.
 */
export function judgeHead(reply: Reply, config: WebOutputConfig): Probed {
  const { status } = reply;
  const bad = badAnswer(reply, config);
  if (bad !== undefined) return bad;
  const credentials = config.auth === undefined ? '' : ', and does not refuse the credentials';
  if (status >= 200 && status <= 299)
    return { verdict: 'ok', says: `answers HEAD with status ${statusText(status)}${credentials}` };
  return {
    verdict: 'ok',
    says: `can be reached: answers HEAD with status ${statusText(status)}, as many receivers do that take only POST${credentials}`,
  };
}

/** The fault that a reply's status tells of; undefined when there is none. */
export function badAnswer(reply: Reply, { auth }: WebOutputConfig): Probed | undefined {
  const { status } = reply;
  const reason = reasonIn(reply);
  if (meaningOf(status) === 'unauthorized')
    return {
      verdict: 'problem',
      says:
        auth === undefined
          ? `${reason}: it wants credentials; add auth`
          : `${reason}: it does not take the credentials; see auth`,
    };
  if (NOTHING_THERE.has(status)) return { verdict: 'warning', says: `${reason}: check the path of url` };
  if (status >= 300 && status <= 399)
    return {
      verdict: 'problem',
      says: `${reason}: it redirects, which is not followed; put the right address into url`,
    };
  if (UNWELL.has(status)) return { verdict: 'warning', says: `${reason}: it can be reached, but is not well now` };
  return undefined;
}
