import * as z from 'zod';
import { commonOutputKeys } from '../common-config.ts';
import { authKeys, networkOutputKeys, refuse } from '../network/config.ts';
import { addressIn } from './address.ts';

const MAX_BROKERS = 32;
const BROKER_EXPECTED = 'expected HOST:PORT, such as kafka1.example:9092';

const broker = z.string({ error: BROKER_EXPECTED }).superRefine((text, context) => {
  // Not shown: somebody may have written a user and a password into it.
  if (addressIn(text) === undefined) refuse(context, BROKER_EXPECTED);
});

const TOPIC_EXPECTED = 'expected a topic: letters, digits, ".", "_" or "-", at most 249';

export const kafkaOutputSchema = z
  .strictObject({
    type: z.literal('kafka'),
    ...commonOutputKeys,
    ...networkOutputKeys,
    brokers: z
      .array(broker, { error: 'expected a list of brokers' })
      .min(1, { error: 'expected at least one broker' })
      .max(MAX_BROKERS, { error: `expected at most ${MAX_BROKERS} brokers` })
      .meta({
        description:
          'HOST:PORT of some brokers of the cluster, which are asked for the others. Name several: one may be away.',
      }),
    topic: z
      .string({ error: TOPIC_EXPECTED })
      .regex(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/u, { error: TOPIC_EXPECTED })
      .meta({ description: 'The topic. It must exist.' }),
    compression: z.enum(['none', 'gzip', 'zstd']).default('none').meta({ description: 'How a batch is compressed.' }),
    auth: z
      .strictObject({
        mechanism: z
          .enum(['plain', 'scram-sha-256', 'scram-sha-512'])
          .default('scram-sha-512')
          .meta({ description: 'The SASL mechanism. plain sends the password itself, so it needs tls.' }),
        user: authKeys.user.unwrap().meta({ description: 'Name that the password is for.' }),
        password_file: authKeys.password_file.unwrap().meta({ description: 'File that holds the password.' }),
      })
      .optional()
      .meta({ description: 'How the agent proves who it is (SASL). The password is read from a file.' }),
  })
  .meta({ description: 'Records of a Kafka topic, one for each event.' });

export type KafkaOutputConfig = z.output<typeof kafkaOutputSchema>;
