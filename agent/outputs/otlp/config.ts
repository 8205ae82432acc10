import * as z from 'zod';
import { commonOutputKeys } from '../common-config.ts';
import { checkWeb, compressionKey, webAddress, webHeaders, webOutputKeys } from '../web/config.ts';
import { ENCODINGS } from './encoding.ts';

/** OTLP specification, "OTLP/HTTP Request": the default path of logs. */
const LOGS_PATH = '/v1/logs';

/** Headers that say what the body is. */
const OF_ENCODING = new Set(['content-type', 'accept']);

export const otlpOutputSchema = z
  .strictObject({
    type: z.literal('otlp'),
    ...commonOutputKeys,
    ...webOutputKeys,
    url: webAddress().meta({
      description: `Where logs are sent, by https or http. Without a path, ${LOGS_PATH} is appended.`,
    }),
    headers: webHeaders()
      .refine((headers) => !Object.keys(headers).some((name) => OF_ENCODING.has(name.toLowerCase())), {
        error: 'expected no Content-Type and no Accept, which follow from encoding',
      })
      .meta({ description: 'Further request headers, such as the name of a tenant. They must not be secret.' }),
    encoding: z.enum(ENCODINGS).default('protobuf').meta({
      description: 'protobuf, which is shorter and what every receiver takes; or json.',
    }),
    compression: compressionKey(['none', 'gzip']),
  })
  .superRefine(checkWeb)
  .meta({ description: 'Log records of OpenTelemetry to a receiver of OTLP over HTTP.' });

export type OtlpOutputConfig = z.output<typeof otlpOutputSchema>;

/** The address with the path for logs, where it has none of its own. */
export function logsAddress(url: string): URL {
  const address = new URL(url);
  if (address.pathname === '/') address.pathname = LOGS_PATH;
  return address;
}
