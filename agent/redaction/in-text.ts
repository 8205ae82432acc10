import { isSecretHeader, secrecyOf } from './names.ts';
import { MAX_NAME } from './limits.ts';
import { SPACE } from './words.ts';

/** Stands in place of a secret. */
export const REDACTED = '[redacted]';

/** Receives a secret: from `start` up to, not including, `end`, and which pattern found it. */
export type Emit = (start: number, end: number, pattern: string, contextStart?: number) => void;

const NAME = /[A-Za-z0-9_.-]/;
/** Values that say nothing: also what redaction itself leaves. */
const NOTHING: ReadonlySet<string> = new Set(['', REDACTED, 'true', 'false', 'yes', 'no', 'null', 'none', 'undefined', '***', '****', '*****', '********']); // prettier-ignore

/** A text that begins as redaction leaves it was redacted before. */
export const saysNothing = (value: string): boolean => NOTHING.has(value) || value.startsWith(REDACTED);

/** Paths begin so on all systems; `@FILE` is how curl and others name a file. */
export const looksLikePath = (value: string): boolean => /^(?:\/|\.{1,2}[/\\]|~|@|[A-Za-z]:[/\\])/.test(value);

/** Where the name begins that ends at `end`. */
export function nameStart(text: string, end: number): number {
  let start = end;
  while (start > 0 && end - start <= MAX_NAME && NAME.test(text[start - 1]!)) start--;
  return start;
}

/** How far after `://` a password with unusual characters is looked for. */
const LONGEST_USER_INFO = 256;

/** `scheme://user:password@host`: the password. Without a password, a long user that can only be a token. */
export function credentialsInUrls(text: string, emit: Emit): void {
  for (let at = text.indexOf('://'); at >= 0; at = text.indexOf('://', at + 3)) {
    const start = at + 3;
    const most = Math.min(text.length, start + LONGEST_USER_INFO);
    let end = start;
    let sign = -1;
    for (; end < most && !/[/?#\s"'<>`]/.test(text[end]!); end++) if (text[end] === '@') sign = end;
    const colon = text.indexOf(':', start);
    const hasColon = colon >= start && colon < (sign < 0 ? end : sign);
    if (sign < 0) {
      // A password that holds what should have been escaped. Digits and a slash are a port and a path.
      if (!hasColon || /^:[0-9]*(?:[/?#]|$)/.test(text.slice(colon, end + 1)) || text[start] === '[') continue;
      for (; end < most && !/[\s"'<>`]/.test(text[end]!); end++) if (text[end] === '@') sign = end;
      if (sign < 0) continue;
    }
    if (hasColon) {
      if (!saysNothing(text.slice(colon + 1, sign))) emit(colon + 1, sign, 'url', at);
    } else if (/^(?=.*[0-9])[A-Za-z0-9_-]{20,}$/.test(text.slice(start, sign))) emit(start, sign, 'url', at);
  }
}

/** The schemes of HTTP's `Authorization`, which stand before the secret. */
const SCHEME =
  /^(?:basic|bearer|digest|token|negotiate|ntlm|apikey|api-key|bot|key|splunk|aws4-hmac-sha256|sso-key|geniekey)[ \t]+/i;

/** `Authorization: Bearer …` and `"password": "…"`: names with a colon. */
export function namesWithColon(text: string, isArgument: boolean, emit: Emit): void {
  // Goes on behind each value, so that no part of the text is read for two of them.
  for (let colon = text.indexOf(':'), end = 0; colon >= 0; colon = text.indexOf(':', Math.max(end, colon + 1))) {
    let at = colon;
    while (at > 0 && colon - at < 8 && SPACE.test(text[at - 1]!)) at--;
    if (text[at - 1] === '"' || text[at - 1] === "'") end = jsonValue(text, at - 1, colon, emit);
    else if (at === colon) end = headerValue(text, colon, isArgument, emit);
  }
}

/** @returns where the value ends; 0 where there is none */
function jsonValue(text: string, quoteAt: number, colon: number, emit: Emit): number {
  const quote = text[quoteAt]!;
  let nameEnd = quoteAt;
  while (nameEnd > 0 && text[nameEnd - 1] === '\\') nameEnd--;
  const escape = text.slice(nameEnd, quoteAt);
  const start = nameStart(text, nameEnd);
  if (text[start - 1] !== quote || secrecyOf(text.slice(start, nameEnd)) === undefined) return 0;
  let from = colon + 1;
  while (from < text.length && SPACE.test(text[from]!)) from++;
  const opening = escape + quote;
  if (text.startsWith(opening, from)) {
    from += opening.length;
    const end = endOfString(text, from, quote, escape);
    if (!saysNothing(text.slice(from, end))) emit(from, end, 'json', start);
    return end;
  }
  // Its brackets would end the value.
  if (text.startsWith(REDACTED, from)) return from + REDACTED.length;
  let end = from;
  while (end < text.length && !/[\s,}\]"']/.test(text[end]!)) end++;
  if (!saysNothing(text.slice(from, end))) emit(from, end, 'json', start);
  return end;
}

/** Where a string of JSON ends whose quotes are escaped with so many backslashes. */
function endOfString(text: string, from: number, quote: string, escape: string): number {
  for (let i = from; i < text.length; i++) {
    if (text[i] !== '\\' && text[i] !== quote) continue;
    let slashes = i;
    while (text[slashes] === '\\') slashes++;
    const count = slashes - i;
    if (text[slashes] === quote && count <= escape.length) return i;
    i = text[slashes] === quote ? slashes : slashes - 1;
  }
  return text.length;
}

/** @returns where the value ends; 0 where there is none */
function headerValue(text: string, colon: number, isArgument: boolean, emit: Emit): number {
  let start = nameStart(text, colon);
  // `-HAuthorization: …` and `--header=Authorization: …`.
  if (start === 0 && text.startsWith('-H')) start = 2;
  if (!isSecretHeader(text.slice(start, colon))) return 0;
  const before = text[start - 1];
  const isAlone = start === 0 || before === '=' || (start === 2 && text.startsWith('-H'));
  const quote = before === '"' || before === "'" ? before : undefined;
  if (!isAlone && quote === undefined && !SPACE.test(before!)) return 0;
  let from = colon + 1;
  while (from < text.length && /[ \t]/.test(text[from]!)) from++;
  let end = text.length;
  if (quote !== undefined) {
    const close = text.indexOf(quote, from);
    if (close >= 0) end = close;
  } else if (!(isAlone && isArgument)) {
    // A command line that was joined without quotes: the value goes up to what looks like the next argument.
    const next = /\s(?:-|https?:\/\/|["'|;&>])|\n/.exec(text.slice(from));
    if (next !== null) end = from + next.index;
  }
  if (quote !== undefined && text[end - 1] === '\\') end--;
  const scheme = SCHEME.exec(text.slice(from, Math.min(end, from + 40)));
  if (scheme !== null && from + scheme[0].length < end) from += scheme[0].length;
  if (from < end && !saysNothing(text.slice(from, end))) emit(from, end, 'header', start);
  return end;
}
