import * as z from 'zod';
import type { commonOutputKeys } from '../common-config.ts';
import type { Destination } from '../kind.ts';
import { authKeys, checkAuth, networkOutputKeys, refuse } from '../network/config.ts';

const URL_EXPECTED = 'expected an address such as https://collector.example/events';
const MAX_HEADERS = 64;

/** Set by the agent, or hop by hop, or secret. */
const OWN_HEADERS = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Headers and parameters whose values are secret. */
const SECRET_NAME = /^(?:cookie|pass|sig|signature)$|auth|token|secret|passw|(?:api|access|clickhouse)[-_]?key/iu;

/** RFC 9110, sections 5.1 and 5.5. Not node:http's own check: `check` and an agent without this output need not load it. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/u;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/u;

/**
 * An address of http or https, without a secret in it.
 * @param check what else there is to refuse of an address that is good so far
 */
export function webAddress(check?: (url: URL, text: string, context: z.core.$RefinementCtx) => void) {
  return z
    .string({ error: URL_EXPECTED })
    .max(8192, { error: 'expected an address of at most 8192 characters' })
    .superRefine((text, context) => {
      // The address is never shown: somebody may have written a secret into it.
      const url = URL.parse(text);
      if (url === null || !['http:', 'https:'].includes(url.protocol)) return refuse(context, URL_EXPECTED);
      if (url.username !== '' || url.password !== '')
        return refuse(context, 'expected an address without user and password; they belong into auth');
      if (url.hash !== '') return refuse(context, 'expected an address without #');
      if ([...url.searchParams.keys()].some((name) => SECRET_NAME.test(name)))
        return refuse(context, 'expected an address without a secret; use auth, which reads it from a file');
      check?.(url, text, context);
    });
}

/**
 * Further request headers.
 * @param check what else there is to refuse of a value, at the path
 */
export function webHeaders(check?: (value: string, context: z.core.$RefinementCtx, path: PropertyKey[]) => void) {
  return z
    .record(z.string(), z.string({ error: 'expected text' }))
    .superRefine((headers, context) => {
      const names = Object.keys(headers);
      if (names.length > MAX_HEADERS) refuse(context, `expected at most ${MAX_HEADERS} headers`);
      const seen = new Set<string>();
      for (const name of names) {
        const lower = name.toLowerCase();
        if (OWN_HEADERS.has(lower)) refuse(context, 'expected a header that the agent does not set itself', [name]);
        if (SECRET_NAME.test(lower))
          refuse(context, 'expected no secret here; use auth, which reads it from a file', [name]);
        if (seen.has(lower)) refuse(context, 'expected each header once', [name]);
        seen.add(lower);
        if (!HEADER_NAME.test(name) || !HEADER_VALUE.test(headers[name]!))
          refuse(context, 'expected a name and a value that HTTP allows', [name]);
        check?.(headers[name]!, context, [name]);
      }
    })
    .default({});
}

export const COMPRESSIONS = ['none', 'gzip', 'zstd'] as const;

export type Compression = (typeof COMPRESSIONS)[number];

const auth = z
  .strictObject({
    ...authKeys,
    scheme: z
      .string()
      .regex(/^[A-Za-z0-9-]{0,32}$/u, { error: 'expected a word such as Bearer, or nothing' })
      .optional()
      .meta({ description: 'The word in front of the token. Bearer, unless header is given.' }),
    header: z
      .string()
      .regex(/^[A-Za-z0-9-]{1,64}$/u, { error: 'expected the name of a header' })
      .optional()
      .meta({ description: 'The header that carries the token. Left out: Authorization.' }),
  })
  .superRefine((value, context) => {
    checkAuth(value, context);
    for (const key of ['scheme', 'header'] as const)
      if (value[key] !== undefined && value.token_file === undefined)
        refuse(context, 'expected only together with token_file', [key]);
  });

export type AuthConfig = z.output<typeof auth>;

/** How a body can be compressed. An output whose receivers know fewer ways names them. */
export function compressionKey<const Ways extends readonly Compression[]>(ways: Ways) {
  return z
    .enum(ways)
    .default('none' as Ways[number])
    .meta({ description: 'How the body is compressed (Content-Encoding).' });
}

/** The keys that every output over HTTP has, beside `url` and `compression`. `checkWeb` goes with them. */
export const webOutputKeys = {
  ...networkOutputKeys,
  auth: auth.optional().meta({ description: 'How the agent proves who it is. Secrets are read from files.' }),
};

/** Checks keys of an output over HTTP that depend on each other. */
export function checkWeb({ url, tls }: { url: string; tls?: unknown }, context: z.core.$RefinementCtx): void {
  // Another check says what is wrong with an address that is none.
  if (tls !== undefined && URL.canParse(url) && isPlain(url))
    refuse(context, 'expected with an https address alone', ['tls']);
}

type Keys<Shape extends z.core.$ZodShape> = z.output<z.ZodObject<Shape>>;

/** The part of a configuration that `WebOutput` needs. */
export type WebOutputConfig = Keys<typeof commonOutputKeys> &
  Keys<typeof webOutputKeys> & { readonly url: string; readonly compression: Compression };

/** Whether an address is of http, not https. */
export function isPlain(address: string): boolean {
  return new URL(address).protocol === 'http:';
}

/** Two outputs may well send to one address; an output that changes waits for its predecessor's last batch. */
export function webDestination({ type, name, url }: Record<string, unknown>): Destination {
  return { id: `${String(type)} ${String(name)} ${String(url)}`, key: 'name' };
}
