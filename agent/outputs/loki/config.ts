import * as z from 'zod';
import { commonOutputKeys } from '../common-config.ts';
import { refuse } from '../network/config.ts';
import { checkWeb, compressionKey, webAddress, webHeaders, webOutputKeys } from '../web/config.ts';

/** Each label and each of its values makes streams, which cost the receiver memory: few are enough. */
const MAX_LABELS = 8;
const MAX_VALUE_LENGTH = 256;

/** Labels that the agent sets itself. */
const OWN_LABELS: ReadonlySet<string> = new Set(['host', 'record']);

const TENANT_EXPECTED = "expected at most 150 letters, digits or ! - _ . * ' ( )";

/** Prometheus, "Metric names and labels". Those that begin with two underscores are for internal use. */
const LABEL_NAME = /^(?!__)[A-Za-z_][A-Za-z0-9_]{0,127}$/u;

const labels = z
  .record(z.string(), z.string({ error: 'expected text' }))
  .superRefine((value, context) => {
    const names = Object.keys(value);
    if (names.length > MAX_LABELS) refuse(context, `expected at most ${MAX_LABELS} labels`);
    for (const name of names) {
      if (OWN_LABELS.has(name)) refuse(context, 'expected a label that the agent does not set itself', [name]);
      if (!LABEL_NAME.test(name)) refuse(context, 'expected a name of letters, digits and _, such as site', [name]);
      const text = value[name]!;
      if (text === '' || text.length > MAX_VALUE_LENGTH || /\p{Cc}/u.test(text) || !text.isWellFormed())
        refuse(context, `expected a value of 1 to ${MAX_VALUE_LENGTH} characters on one line`, [name]);
    }
  })
  .default({});

export const lokiOutputSchema = z
  .strictObject({
    type: z.literal('loki'),
    ...commonOutputKeys,
    ...webOutputKeys,
    url: webAddress((url, _, context) => {
      if (url.pathname.endsWith('/push'))
        refuse(context, 'expected an address without /loki/api/v1/push, which the agent adds');
    }).meta({
      description:
        'The server, such as https://loki.example:3100. The agent adds /loki/api/v1/push. May have parameters.',
    }),
    tenant: z
      .string({ error: TENANT_EXPECTED })
      .regex(/^(?!\.{1,2}$)[A-Za-z0-9!\-_.*'()]{1,150}$/u, { error: TENANT_EXPECTED })
      .optional()
      .meta({ description: 'The tenant (X-Scope-OrgID). Left out: none is named.' }),
    labels: labels.meta({
      description: `Further labels of all streams: at most ${MAX_LABELS}, each with one value. service_name is platform-probes unless it is among them.`,
    }),
    headers: webHeaders().meta({ description: 'Further request headers. Must not be secret.' }),
    compression: compressionKey(['none', 'gzip']),
  })
  .superRefine(checkWeb)
  .meta({ description: 'Log entries to Grafana Loki.' });

export type LokiOutputConfig = z.output<typeof lokiOutputSchema>;
