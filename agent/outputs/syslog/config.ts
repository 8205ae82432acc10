import * as z from 'zod';
import { absolutePath, fitsSocket, MAX_SOCKET_PATH_BYTES } from '../../values/paths.ts';
import { size } from '../../values/quantities.ts';
import { commonOutputKeys } from '../common-config.ts';
import { networkOutputKeys, refuse } from '../network/config.ts';
import { parseAddress } from './address.ts';
import type { Target } from './connection.ts';
import { FACILITY_NAMES } from './facility.ts';

const ADDRESS_EXPECTED = 'expected a host and its port, such as logs.example:2514 or [2001:db8::7]:2514';

/** Where datagram sockets usually are. */
const DATAGRAM_PATHS = new Set(['/dev/log', '/run/systemd/journal/dev-log', '/run/systemd/journal/syslog']);

export const syslogOutputSchema = z
  .strictObject({
    type: z.literal('syslog'),
    ...commonOutputKeys,
    ...networkOutputKeys,
    transport: z.enum(['relp', 'tcp', 'unix']).meta({
      description:
        'relp: the receiver confirms each event. tcp: messages with their length in front. unix: the same to a Unix stream socket. Only relp loses nothing. relp and tcp are encrypted with tls: {}.',
    }),
    address: z
      .string({ error: ADDRESS_EXPECTED })
      .refine((text) => parseAddress(text) !== undefined, { error: ADDRESS_EXPECTED })
      .optional()
      .meta({ description: 'Host and port of the receiver, for relp and tcp.' }),
    path: absolutePath
      .refine(fitsSocket, { error: `expected a path of at most ${MAX_SOCKET_PATH_BYTES} bytes` })
      .refine((path) => !DATAGRAM_PATHS.has(path), {
        error:
          'expected a stream socket: this is one for datagrams, which Node.js does not have; let rsyslog listen with imptcp',
      })
      .optional()
      .meta({ description: "The receiver's Unix stream socket, for unix." }),
    facility: z.enum(FACILITY_NAMES).default('daemon').meta({ description: 'The facility of each message.' }),
    max_message_bytes: size({
      min: '1KiB',
      max: '64MiB',
      byDefault: '64MiB',
      description:
        'A longer message is refused instead of sent. Set it to what the receiver takes, where it cuts or drops longer ones.',
    }),
  })
  .superRefine(({ transport, address, path, tls }, context) => {
    const [wanted, other] = transport === 'unix' ? (['path', 'address'] as const) : (['address', 'path'] as const);
    const given = { address, path };
    if (given[wanted] === undefined) refuse(context, `expected with transport ${transport}`, [wanted]);
    if (given[other] !== undefined) refuse(context, `expected no ${other} with transport ${transport}`, [other]);
    if (transport === 'unix' && tls !== undefined) refuse(context, 'expected with relp and tcp alone', ['tls']);
  })
  .meta({ description: 'Messages of RFC 5424 to a syslog receiver.' });

export type SyslogOutputConfig = z.output<typeof syslogOutputSchema>;

/** Where messages go. */
export function targetOf({ address, path }: SyslogOutputConfig): Target {
  return path === undefined ? parseAddress(address!)! : { path };
}

/** The weakness of this transport; undefined with RELP. */
export function weaknessOf({ transport }: SyslogOutputConfig): string | undefined {
  if (transport === 'relp') return undefined;
  return `transport ${transport} has no acknowledgement: events that are on their way when the receiver or the connection ends are lost, and no gap tells which; relp does not lose them`;
}
