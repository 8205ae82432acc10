import * as z from 'zod';
import { commonOutputKeys } from '../common-config.ts';
import { authKeys, networkOutputKeys, refuse, secretFile } from '../network/config.ts';
import { SUBJECT_PLACEHOLDERS, subjectProblem } from './subject.ts';

const SERVER_EXPECTED = 'expected an address such as nats://nats.example:4222, or tls:// in place of nats://';
const MAX_SERVERS = 16;
const DEFAULT_PORT = 4222;

const server = z
  .string({ error: SERVER_EXPECTED })
  .max(1024, { error: SERVER_EXPECTED })
  .superRefine((text, context) => {
    // The address is never shown: somebody may have written a secret into it.
    const parsed = URL.parse(text);
    if (parsed === null || !['nats:', 'tls:'].includes(parsed.protocol) || parsed.hostname === '')
      return refuse(context, SERVER_EXPECTED);
    if (parsed.username !== '' || parsed.password !== '')
      return refuse(context, 'expected an address without user, password and token; they belong into auth');
    if (!['', '/'].includes(parsed.pathname) || parsed.search !== '' || parsed.hash !== '')
      return refuse(context, 'expected an address of host and port alone');
  });

const AUTH_EXPECTED = 'expected user with password_file, or one of token_file, creds_file and nkey_file';

const auth = z
  .strictObject({
    ...authKeys,
    creds_file: secretFile
      .optional()
      .meta({ description: 'File of credentials, as nsc writes it: a JWT and the seed of its key.' }),
    nkey_file: secretFile.optional().meta({ description: "File that holds the seed of a user's nkey (SU…)." }),
  })
  .superRefine(({ user, password_file, token_file, creds_file, nkey_file }, context) => {
    const basic = user !== undefined && password_file !== undefined;
    const half = !basic && (user !== undefined || password_file !== undefined);
    const ways = [basic || undefined, token_file, creds_file, nkey_file].filter((way) => way !== undefined);
    if (half || ways.length !== 1) refuse(context, AUTH_EXPECTED);
  });

export const natsOutputSchema = z
  .strictObject({
    type: z.literal('nats'),
    ...commonOutputKeys,
    ...networkOutputKeys,
    servers: z
      .array(server, { error: 'expected a list of addresses' })
      .min(1, { error: 'expected at least one address' })
      .max(MAX_SERVERS, { error: `expected at most ${MAX_SERVERS} addresses` })
      .meta({ description: 'Servers of one NATS system. The next is tried where one fails.' }),
    subject: z
      .string({ error: 'expected a subject' })
      .superRefine((text, context) => {
        const problem = subjectProblem(text);
        if (problem !== undefined) refuse(context, problem);
      })
      .default('probes.{host_id}.{type}')
      .meta({ description: `Where messages are published. May hold ${SUBJECT_PLACEHOLDERS}.` }),
    stream: z
      .string({ error: 'expected the name of a stream' })
      .regex(/^[^\s.*>/\\\p{Cc}]{1,255}$/u, { error: 'expected the name of a stream, without spaces . * > / and \\' })
      .regex(/^[\x21-\x7e]*$/u, { error: 'expected the name of a stream in ASCII' })
      .optional()
      .meta({ description: 'The JetStream stream that must store the messages. Left out: whichever has the subject.' }),
    inbox_prefix: z
      .string({ error: 'expected a subject' })
      .regex(/^[A-Za-z0-9_$-]+(?:\.[A-Za-z0-9_$-]+)*$/u, { error: 'expected a subject such as _INBOX' })
      .max(128, { error: 'expected at most 128 characters' })
      .default('_INBOX')
      .meta({ description: 'Acknowledgements come to subjects below it.' }),
    tls_first: z.boolean().default(false).meta({
      description: "Whether TLS begins before the server's first line (handshake_first there).",
    }),
    auth: auth.optional().meta({ description: 'How the agent proves who it is. Secrets are read from files.' }),
  })
  .superRefine(({ servers, tls, tls_first }, context) => {
    if (tls_first && tls === undefined && servers.some((text) => text.startsWith('nats:')))
      refuse(context, 'expected only together with tls, or with addresses that begin with tls://', ['tls_first']);
  })
  .meta({ description: 'Messages to a stream of NATS JetStream.' });

export type NatsOutputConfig = z.output<typeof natsOutputSchema>;

/** Host and port of a server, and whether TLS is asked for. */
export function addressOf(text: string, tls: NatsOutputConfig['tls']): { host: string; port: number; tls: boolean } {
  const { protocol, hostname, port } = new URL(text);
  return {
    host: hostname.replaceAll(/^\[|\]$/gu, ''),
    port: port === '' ? DEFAULT_PORT : Number(port),
    tls: protocol === 'tls:' || tls !== undefined,
  };
}
