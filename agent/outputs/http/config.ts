import * as z from 'zod';
import { compileRegex } from '../../rules/regex/matcher.ts';
import { reasonOf } from '../../errors.ts';
import { commonOutputKeys } from '../common-config.ts';
import { refuse } from '../network/config.ts';
import { checkWeb, COMPRESSIONS, compressionKey, webAddress, webHeaders, webOutputKeys } from '../web/config.ts';
import { PLACEHOLDERS, unknownPlaceholders } from './template.ts';

function checkPlaceholders(text: string, context: z.core.$RefinementCtx, path: PropertyKey[] = []): void {
  const [unknown] = unknownPlaceholders(text);
  if (unknown !== undefined) refuse(context, `expected one of ${PLACEHOLDERS}, not {${unknown.slice(0, 30)}}`, path);
}

const url = webAddress(({ host }, text, context) => {
  if (/[{}]/u.test(host)) return refuse(context, 'expected placeholders behind the host alone');
  checkPlaceholders(text, context);
});

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
    ...webOutputKeys,
    url: url.meta({ description: `Where events are sent, by https or http. May hold ${PLACEHOLDERS}.` }),
    method: z
      .string({ error: 'expected a method such as POST' })
      .regex(/^(?!(?:GET|HEAD|CONNECT|TRACE|OPTIONS)$)[A-Z]{1,20}$/u, {
        error: 'expected a method with a body, such as POST',
      })
      .default('POST')
      .meta({ description: 'The request method.' }),
    headers: webHeaders(checkPlaceholders).meta({
      description: 'Further request headers. Values may hold the same placeholders, and must not be secret.',
    }),
    body: z.enum(['ndjson', 'array']).default('ndjson').meta({
      description: 'ndjson is one JSON object a line, array is one JSON array of them.',
    }),
    compression: compressionKey(COMPRESSIONS),
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
  .superRefine(checkWeb)
  .meta({ description: 'Batches of JSON to a web server.' });

export type HttpOutputConfig = z.output<typeof httpOutputSchema>;

/** The pattern of `body` in `accept` and `refuse`: searched in linear time. @throws where it is no such expression */
export function replyPattern(source: string): { readonly test: (text: string) => boolean } {
  return compileRegex(source, { ignoreCase: false, multiline: false, dotAll: true });
}
