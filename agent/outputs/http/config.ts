import * as z from 'zod';
import { compileRegex } from '../../rules/regex/matcher.ts';
import { reasonOf } from '../../errors.ts';
import { commonOutputKeys } from '../common-config.ts';
import { authKeys, checkAuth, networkOutputKeys, refuse } from '../network/config.ts';
import { PLACEHOLDERS, unknownPlaceholders } from './template.ts';

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

function checkPlaceholders(text: string, context: z.core.$RefinementCtx, path: PropertyKey[] = []): void {
  const [unknown] = unknownPlaceholders(text);
  if (unknown !== undefined) refuse(context, `expected one of ${PLACEHOLDERS}, not {${unknown.slice(0, 30)}}`, path);
}

const url = z
  .string({ error: URL_EXPECTED })
  .max(8192, { error: 'expected an address of at most 8192 characters' })
  .superRefine((text, context) => {
    // The address is never shown: somebody may have written a secret into it.
    const parsed = URL.parse(text);
    if (parsed === null || !['http:', 'https:'].includes(parsed.protocol)) return refuse(context, URL_EXPECTED);
    if (parsed.username !== '' || parsed.password !== '')
      return refuse(context, 'expected an address without user and password; they belong into auth');
    if (parsed.hash !== '') return refuse(context, 'expected an address without #');
    if (/[{}]/u.test(parsed.host)) return refuse(context, 'expected placeholders behind the host alone');
    if ([...parsed.searchParams.keys()].some((name) => SECRET_NAME.test(name)))
      return refuse(context, 'expected an address without a secret; use auth, which reads it from a file');
    checkPlaceholders(text, context);
  });

function checkHeaders(headers: Record<string, string>, context: z.core.$RefinementCtx): void {
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
    checkPlaceholders(headers[name]!, context, [name]);
  }
}

const STATUS_EXPECTED = 'expected a status from 200 to 599';
const statuses = z
  .array(z.int({ error: STATUS_EXPECTED }).min(200, { error: STATUS_EXPECTED }).max(599, { error: STATUS_EXPECTED }), {
    error: 'expected a list of statuses',
  })
  .min(1, { error: 'expected at least one status' })
  .max(100, { error: 'expected at most 100 statuses' })
  .optional();

const pattern = z
  .string({ error: 'expected a regular expression' })
  .max(1000, { error: 'expected a regular expression of at most 1000 characters' })
  .superRefine((text, context) => {
    try {
      replyPattern(text);
    } catch (error) {
      refuse(context, `expected a regular expression: ${reasonOf(error)}`);
    }
  })
  .optional();

export const httpOutputSchema = z
  .strictObject({
    type: z.literal('http'),
    ...commonOutputKeys,
    ...networkOutputKeys,
    url: url.meta({ description: `Where events are sent, by https or http. May hold ${PLACEHOLDERS}.` }),
    method: z
      .string({ error: 'expected a method such as POST' })
      .regex(/^(?!(?:GET|HEAD|CONNECT|TRACE|OPTIONS)$)[A-Z]{1,20}$/u, {
        error: 'expected a method with a body, such as POST',
      })
      .default('POST')
      .meta({ description: 'The request method.' }),
    headers: z
      .record(z.string(), z.string({ error: 'expected text' }))
      .superRefine(checkHeaders)
      .default({})
      .meta({ description: 'Further request headers. Values may hold the same placeholders, and must not be secret.' }),
    body: z.enum(['ndjson', 'array']).default('ndjson').meta({
      description: 'ndjson is one JSON object a line, array is one JSON array of them.',
    }),
    compression: z
      .enum(['none', 'gzip', 'zstd'])
      .default('none')
      .meta({ description: 'How the body is compressed (Content-Encoding).' }),
    auth: z
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
      .superRefine((auth, context) => {
        checkAuth(auth, context);
        for (const key of ['scheme', 'header'] as const)
          if (auth[key] !== undefined && auth.token_file === undefined)
            refuse(context, 'expected only together with token_file', [key]);
      })
      .optional()
      .meta({ description: 'How the agent proves who it is. Secrets are read from files.' }),
    accept: z
      .strictObject({
        status: statuses.meta({ description: 'The statuses that mean that all was taken. Left out: 200 to 299.' }),
        body: pattern.meta({ description: 'A regular expression that the reply must match, or nothing was taken.' }),
      })
      .prefault({})
      .meta({ description: 'What in a reply means that the receiver has the events.' }),
    refuse: z
      .strictObject({
        status: statuses.meta({
          description: 'Only with these statuses. Left out: with all that accept does not take.',
        }),
        body: pattern.meta({ description: 'Only where the reply matches this regular expression. Left out: always.' }),
      })
      .refine((refusal) => Object.keys(refusal).length > 0, { error: 'expected status, body or both' })
      .optional()
      .meta({
        description: 'What else in a reply means that an event is to blame, and that trying again is of no use.',
      }),
  })
  .superRefine(({ url: address, tls }, context) => {
    if (tls !== undefined && isPlain(address)) refuse(context, 'expected with an https address alone', ['tls']);
  })
  .meta({ description: 'Batches of JSON to a web server.' });

/** Whether an address is of http, not https. */
export function isPlain(address: string): boolean {
  return new URL(address).protocol === 'http:';
}

export type HttpOutputConfig = z.output<typeof httpOutputSchema>;

/** The pattern of `body` in `accept` and `refuse`: searched in linear time. @throws where it is no such expression */
export function replyPattern(source: string): { readonly test: (text: string) => boolean } {
  return compileRegex(source, { ignoreCase: false, multiline: false, dotAll: true });
}
