import { STATUS_CODES } from 'node:http';
import type { Verdict } from '../network/parts.ts';
import type { Reply } from './exchange.ts';

/** Requirements for a reply. Undefined ones do not apply. */
export interface Condition {
  readonly statuses: ReadonlySet<number> | undefined;
  readonly body: { readonly test: (text: string) => boolean } | undefined;
}

/** How replies are read. */
export interface Reading {
  /** All was taken. Without statuses, it takes one from 200 to 299. */
  readonly accept: Condition;
  /** An event is to blame, beside what HTTP says so of. */
  readonly refuse: Condition | undefined;
}

/** The parsed reply. */
export type Judgement =
  | Verdict
  /** The receiver does not believe who we are. */
  | { readonly kind: 'unauthorized'; readonly reason: string; readonly afterMs?: number }
  /** There is too much of it, or this one record is too large. */
  | { readonly kind: 'too_large'; readonly reason: string };

/**
 * Statuses from 400 to 499 that do not blame the records: the receiver wants time, or somebody has to correct the address.
 * RFC 9110, section 15.5; 425 is RFC 8470, 429 is RFC 6585.
 */
const NOT_ABOUT_RECORDS: ReadonlySet<number> = new Set([404, 405, 407, 408, 410, 411, 421, 425, 426, 429]);

/** The longest part of an error number that is repeated. */
const MAX_CODE_LENGTH = 10;

/**
 * Judges a batch by the reply to it. Reasons hold the status and the receiver's error number, never its text:
 * that may repeat what was sent, and the log holds no command lines.
 * @param now milliseconds since 1970
 */
export function judge(reply: Reply, { accept, refuse }: Reading, now = Date.now()): Judgement {
  const { status, headers } = reply;
  const good = accept.statuses === undefined ? status >= 200 && status <= 299 : accept.statuses.has(status);
  const code = errorCode(reply);
  const reason = `status ${status}${nameOf(status)}${code === undefined ? '' : `, error ${code}`}`;
  const after = retryAfter(headers['retry-after'], now);
  const patience = after === undefined ? {} : { afterMs: after };
  const text = reply.body.toString('utf8');
  if (good && accept.body?.test(text) !== false) return { kind: 'taken' };
  if (refuse !== undefined && refuse.statuses?.has(status) !== false && refuse.body?.test(text) !== false)
    return { kind: 'refused', reason };
  if (good) {
    return { kind: 'retry', reason: `${reason}, but accept.body does not match the reply`, ...patience };
  }
  if (status >= 300 && status <= 399)
    return { kind: 'retry', reason: `${reason}${redirection(headers.location)}`, ...patience };
  if (status === 401 || status === 403)
    return {
      kind: 'unauthorized',
      reason: `${reason}: the receiver does not take the credentials; see auth`,
      ...patience,
    };
  if (status === 413) return { kind: 'too_large', reason };
  if (status >= 400 && status <= 499 && !NOT_ABOUT_RECORDS.has(status)) return { kind: 'refused', reason };
  return { kind: 'retry', reason, ...patience };
}

function nameOf(status: number): string {
  const name = STATUS_CODES[status];
  return name === undefined ? '' : ` (${name})`;
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

/** How long to wait, in milliseconds: RFC 9110, section 10.2.3. Some more, drawn at random: others got the same answer. */
function retryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const wait = /^\d{1,9}$/u.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return wait > 0 ? wait + Math.random() * Math.min(wait / 10 + 1000, 60_000) : undefined;
}
