import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { formatAddress, type Address } from '../server/address.ts';
import { says, type Answer, type Asked, type Gate } from '../server/answer.ts';
import { PAGE_HEADERS } from './headers.ts';
import { MAX_TOKEN_LENGTH, MAX_WAITING_REFUSALS, REFUSAL_MS, SESSION_BYTES, TOKEN_BYTES } from './limits.ts';

const COOKIE = 'probes-dashboard';

/** Shown on the way to the page. It names an icon: browsers would ask for /favicon.ico, which is refused, and complain. */
const PASSAGE = '<!doctype html><title>Platform Probes</title><link rel="icon" href="data:,">';

const HOW = 'run "probes-agent dashboard" and open the address that it prints';

export interface AccessOptions {
  /** Called for each wrong token or cookie. */
  readonly onRefused: () => void;
  /** Shorter only in tests. */
  readonly refusalMs?: number;
}

/**
 * Decides who may see the page: whoever has the token, which is made anew at each start and is in memory alone.
 *
 * `/?token=TOKEN` gives a cookie and leads to `/s/SESSION/`, under which everything lies. Browsers send the cookies of 127.0.0.1 to
 * every port of it, so to servers of other users too. The cookie is for that path alone, which other servers do not know.
 */
export class Access implements Gate {
  readonly headers = PAGE_HEADERS;
  readonly #token = randomBytes(TOKEN_BYTES).toString('base64url');
  readonly #path = `/s/${randomBytes(SESSION_BYTES).toString('base64url')}/`;
  readonly #onRefused: () => void;
  readonly #refusalMs: number;
  #waiting = 0;

  constructor({ onRefused, refusalMs = REFUSAL_MS }: AccessOptions) {
    this.#onRefused = onRefused;
    this.#refusalMs = refusalMs;
  }

  /** The address that opens the page; a secret. */
  urlAt(address: Address): string {
    return `http://${formatAddress(address)}/?token=${this.#token}`;
  }

  /** @returns the path among the routes, or the answer to a request that goes no further */
  admit(path: string, { query, request }: Asked): string | Answer | Promise<Answer> {
    const isHere = isFromHere(request);
    if (!isHere && !(path === '/' && isLink(request)))
      return says(403, `another site asked for this; paste the address into the address bar, or ${HOW}`);
    if (path === '/') {
      const token = query.get('token');
      if (token === null) return says(401, `the address lacks its token; ${HOW}`);
      return this.#isToken(token) ? this.#welcome(isHere) : this.#refuse();
    }
    const cookies = cookiesOf(request);
    if (cookies.length === 0) return says(401, HOW);
    if (!path.startsWith(this.#path) || !cookies.some((cookie) => this.#isToken(cookie))) return this.#refuse();
    return path.slice(this.#path.length - 1);
  }

  /**
   * Gives the cookie, and leads to the page. After a link from another site, the answer itself leads on: after a redirect the browser
   * would still count the request as the other site's, and would not send the cookie (RFC 6265bis, section 5.2).
   */
  #welcome(isHere: boolean): Answer {
    const cookie = `${COOKIE}=${this.#token}; Path=${this.#path}; HttpOnly; SameSite=Strict`;
    if (isHere) return { ...says(303, 'go on to the page'), headers: { 'location': this.#path, 'set-cookie': cookie } };
    const headers = { 'refresh': `0; url=${this.#path}`, 'set-cookie': cookie };
    return { status: 200, type: 'text/html; charset=utf-8', body: PASSAGE, headers };
  }

  /** Wrong tokens are answered slowly, a few at a time. The right one never waits. */
  async #refuse(): Promise<Answer> {
    this.#onRefused();
    if (this.#waiting >= MAX_WAITING_REFUSALS) return says(429, 'too many wrong tokens at a time');
    this.#waiting++;
    try {
      await delay(this.#refusalMs, undefined, { ref: false });
    } finally {
      this.#waiting--;
    }
    return says(401, `the token is wrong, or of an agent that has ended; ${HOW}`);
  }

  /** In a time that does not depend on where they differ. */
  #isToken(text: string): boolean {
    if (text.length > MAX_TOKEN_LENGTH) return false;
    return timingSafeEqual(hash('sha256', text, 'buffer'), hash('sha256', this.#token, 'buffer'));
  }
}

/**
 * Whether the page itself asked, or a person at the address bar. Pages of other ports are of the same site, so cookies alone do not
 * tell (Fetch Metadata, https://www.w3.org/TR/fetch-metadata/). Programs that are no browsers do not say where they come from.
 */
function isFromHere({ method, headers }: IncomingMessage): boolean {
  const { 'sec-fetch-site': site, origin, host } = headers;
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  if (origin === undefined) return method === 'GET' || method === 'HEAD';
  return host !== undefined && origin === `http://${host}`;
}

/**
 * Whether a link was followed, from a file or another site, into a window of its own. Only the address with the token is worth
 * following, and whoever made such a link knew the token.
 */
function isLink({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    headers.origin === undefined &&
    headers['sec-fetch-mode'] === 'navigate' &&
    headers['sec-fetch-dest'] === 'document'
  );
}

/** Every cookie of the page's name: another server of this machine can add one. */
function cookiesOf({ headers: { cookie = '' } }: IncomingMessage): string[] {
  return cookie
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${COOKIE}=`))
    .map((pair) => pair.slice(COOKIE.length + 1));
}
