/** Why a connection or a message failed. The message never holds a text of the server. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
  /** Whether it does not take the credentials. */
  readonly unauthorized: boolean;

  constructor(message: string, { unauthorized = false, cause }: { unauthorized?: boolean; cause?: unknown } = {}) {
    super(message, { cause });
    this.unauthorized = unauthorized;
  }
}

const UNAUTHORIZED = 'the server does not take the credentials; see auth';

/** `-ERR` texts of nats-server (server/errors.go, server/client.go), in lower case, by how they begin. */
const MEANINGS: ReadonlyArray<readonly [string, string]> = [
  ['authorization violation', UNAUTHORIZED],
  ['authentication timeout', UNAUTHORIZED],
  ['authentication expired', UNAUTHORIZED],
  ['user authentication', UNAUTHORIZED],
  ['account authentication', UNAUTHORIZED],
  [
    'permissions violation for publish',
    'the server does not let this user publish to the subject; see its permissions',
  ],
  [
    'permissions violation for subscription',
    'the server does not let this user subscribe to its inbox: permit inbox_prefix and what is below it, or set inbox_prefix to what is permitted',
  ],
  ['maximum payload', 'the server found a message too large (max_payload)'],
  ['maximum control line', 'the server found a subject too long (max_control_line)'],
  ['maximum connections', 'the server takes no further connections (max_connections)'],
  ['maximum account active connections', "the account's limit of connections is reached"],
  ['maximum subscriptions', "the account's limit of subscriptions is reached"],
  ['secure connection - tls required', 'the server takes TLS alone: name it with tls:// in place of nats://'],
  ['stale connection', 'the server took the connection for dead'],
  ['slow consumer', 'the server took the agent for too slow'],
  ['attempted to connect to', 'the port is not for clients; that is 4222 if it was not changed'],
  ['invalid publish subject', 'the server finds the subject invalid'],
];

/** The meaning of a server's `-ERR`. */
export function serverError(text: string): ServerError {
  const lower = text.toLowerCase();
  const reason = MEANINGS.find(([start]) => lower.startsWith(start))?.[1];
  return new ServerError(reason ?? 'the server reports an error that the agent does not know; its log has it', {
    unauthorized: reason === UNAUTHORIZED,
  });
}
