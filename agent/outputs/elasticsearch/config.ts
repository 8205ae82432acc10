import * as z from 'zod';
import { formatKey } from '../../formats/config.ts';
import { commonOutputKeys } from '../common-config.ts';
import { refuse } from '../network/config.ts';
import { checkWeb, compressionKey, webAddress, webHeaders, webOutputKeys } from '../web/config.ts';

const NAME_EXPECTED =
  'expected a name as Elasticsearch takes it: lower case, no \\ / * ? " < > | , # : or space, not first - _ + or .';
const MAX_NAME_BYTES = 255;

/** Elasticsearch: create index API, "path parameters"; create data stream API, the same without `.ds-`. */
const targetName = z
  .string({ error: NAME_EXPECTED })
  .regex(/^[^-_+.\\/*?"<>|\s,#:\p{Cc}][^\\/*?"<>|\s,#:\p{Cc}]*$/u, { error: NAME_EXPECTED })
  .refine((name) => name === name.toLowerCase() && name.isWellFormed(), { error: NAME_EXPECTED })
  .refine((name) => Buffer.byteLength(name) <= MAX_NAME_BYTES, {
    error: `expected a name of at most ${MAX_NAME_BYTES} bytes`,
  });

/** Where events go, unless told otherwise. The index template that is shipped is for it. */
export const DATA_STREAM = 'logs-platform_probes.process-default';

export const elasticsearchOutputSchema = z
  .strictObject({
    type: z.literal('elasticsearch'),
    ...commonOutputKeys,
    ...webOutputKeys,
    format: formatKey('ecs'),
    url: webAddress((_, text, context) => {
      if (new URL(text).pathname.endsWith('/_bulk'))
        refuse(context, 'expected an address without /_bulk, which the agent adds');
    }).meta({
      description: 'The cluster, such as https://es.example:9200. The agent adds /_bulk. May have parameters.',
    }),
    data_stream: targetName.optional().meta({
      description: `The data stream that events go to. Left out, without index: ${DATA_STREAM}.`,
    }),
    index: targetName.optional().meta({ description: 'The index that events go to, in place of a data stream.' }),
    headers: webHeaders().meta({ description: 'Further request headers. Must not be secret.' }),
    compression: compressionKey(['none', 'gzip']),
  })
  .superRefine(checkWeb)
  .superRefine(({ data_stream: stream, index, format }, context) => {
    if (stream !== undefined && index !== undefined)
      refuse(context, 'expected data_stream or index, and not both', ['index']);
    if (index === undefined && format !== 'ecs')
      refuse(context, 'expected ecs: a data stream wants @timestamp, which no other format has; or name an index', [
        'format',
      ]);
  })
  .meta({ description: 'Bulk requests to Elasticsearch or OpenSearch.' });

export type ElasticsearchOutputConfig = z.output<typeof elasticsearchOutputSchema>;
