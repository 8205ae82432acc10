import { STATUS_CODES } from 'node:http';
import type { Reply } from './exchange.ts';
import type { Judgement } from './protocol.ts';

/**
 * Statuses from 400 to 499 that do not blame the records: the receiver wants time, or somebody has to correct the address.
 * RFC 9110, section 15.5; 425 is RFC 8470, 429 is RFC 6585.
 */
const NOT_ABOUT_RECORDS: ReadonlySet<number> = new Set([404, 405, 407, 408, 410, 411, 421, 425, 426, 429]);

/** The longest part of an error number that is repeated. */
const MAX_CODE_LENGTH = 10;

/** The fate of a request, by its status. */
type Meaning = Exclude<Judgement['kind'], 'judged' | 'reply_too_long'>;

export function meaningOf(status: number): Meaning {
  if (status >= 200 && status <= 299) return 'taken';
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 413) return 'too_large';
  return status >= 400 && status <= 499 && !NOT_ABOUT_RECORDS.has(status) ? 'refused' : 'retry';
}

/**
 * Judges a batch by the status of the reply alone. Reasons hold the status and the receiver's error number, never its text:
 * that may repeat what was sent, and the log holds no command lines.
 * @param now milliseconds since 1970
 */
export function judgeStatus(reply: Reply, now = Date.now()): Extract<Judgement, { kind: Meaning }> {
  const { status, headers } = reply;
  const reason = reasonIn(reply);
  const kind = meaningOf(status);
  switch (kind) {
    case 'taken':
      return { kind };
    case 'too_large':
    case 'refused':
      return { kind, reason };
    case 'unauthorized':
      return {
        kind,
        reason: `${reason}: the receiver does not take the credentials; see auth`,
        ...patience(reply, now),
      };
    default: {
      const where = status >= 300 && status <= 399 ? redirection(headers.location) : '';
      return { kind, reason: reason + where, ...patience(reply, now) };
    }
  }
}

/** A reply in words: its status and, where it has one, the number of its error. */
export function reasonIn(reply: Reply): string {
  const code = errorCode(reply);
  return `status ${statusText(reply.status)}${code === undefined ? '' : `, error ${code}`}`;
}

/** A status with its name. */
export function statusText(status: number): string {
  const name = STATUS_CODES[status];
  return name === undefined ? String(status) : `${status} (${name})`;
}

/** Where a redirect leads, without what could be secret. */
function redirection(location: string | undefined): string {
  const target = URL.parse(location ?? '');
  const where = target === null ? '' : ` to ${target.origin.slice(0, 200)}`;
  return `: it redirects${where}, which is not followed; put the right address into url`;
}

/** The number of an error, as ClickHouse gives it in a header and Splunk in the reply. */
function errorCode({ status, headers, body }: Reply): string | undefined {
  const header = headers['x-clickhouse-exception-code'];
  const text = typeof header === 'string' ? header : status < 300 ? undefined : codeIn(body);
  return text !== undefined && /^\d+$/u.test(text) && text.length <= MAX_CODE_LENGTH ? text : undefined;
}

function codeIn(body: Buffer): string | undefined {
  try {
    const { code } = JSON.parse(body.toString('utf8')) as { code?: unknown };
    return Number.isSafeInteger(code) ? String(code) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * How long the receiver asks to wait, in milliseconds: RFC 9110, section 10.2.3. Some more, drawn at random: others got the
 * same answer. Empty where it does not ask.
 * @param now milliseconds since 1970
 */
export function patience({ headers }: Reply, now = Date.now()): { afterMs?: number } {
  const text = headers['retry-after'];
  if (text === undefined) return {};
  const wait = /^\d{1,9}$/u.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return wait > 0 ? { afterMs: wait + Math.random() * Math.min(wait / 10 + 1000, 60_000) } : {};
}
