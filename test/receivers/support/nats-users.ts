import { createHash } from 'node:crypto';
import { credsAuthenticator, nkeyAuthenticator, nkeys, type ConnectionOptions } from '@nats-io/transport-node';

type Pair = ReturnType<typeof nkeys.createUser>;

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

interface NamedKey {
  readonly publicKey: string;
  readonly seed: string;
}

const named = (pair: Pair): NamedKey => ({ publicKey: pair.getPublicKey(), seed: textOf(pair.getSeed()) });

/** A token as NATS signs it: ADR-14 of nats-architecture-and-design. */
function tokenFor(subject: string, issuer: Pair, name: string, nats: object): string {
  const claims = { iat: 1_700_000_000, iss: issuer.getPublicKey(), name, sub: subject, nats: { version: 2, ...nats } };
  const jti = createHash('sha256').update(JSON.stringify(claims)).digest('hex');
  const body = [
    { typ: 'JWT', alg: 'ed25519-nkey' },
    { jti, ...claims },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${body}.${Buffer.from(issuer.sign(Buffer.from(body))).toString('base64url')}`;
}

const credsOf = (jwt: string, { seed }: NamedKey): string =>
  `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;

/** Users of a server: with a key, and with credentials of an operator and an account. */
export class NatsUsers {
  readonly plain = named(nkeys.createUser());
  readonly stranger = named(nkeys.createUser());
  /** Makes a server trust the operator. */
  readonly serverConfig: string;
  readonly creds: string;
  /** Of an account that the operator does not know. */
  readonly strangersCreds: string;

  constructor() {
    const operator = nkeys.createOperator();
    const [account, unknown, system] = [nkeys.createAccount(), nkeys.createAccount(), nkeys.createAccount()];
    const limits = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
    const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
    const accountToken = (pair: Pair, name: string, more: object): string =>
      tokenFor(pair.getPublicKey(), operator, name, { type: 'account', limits: { ...limits, ...more } });
    const user = named(nkeys.createUser());
    const userToken = (issuer: Pair): string =>
      tokenFor(user.publicKey, issuer, 'agent', { type: 'user', pub: {}, sub: {}, subs: -1, data: -1, payload: -1 });
    this.creds = credsOf(userToken(account), user);
    this.strangersCreds = credsOf(userToken(unknown), user);
    this.serverConfig = `operator: ${tokenFor(operator.getPublicKey(), operator, 'operator', { type: 'operator' })}
system_account: ${system.getPublicKey()}
resolver: MEMORY
resolver_preload: {
  ${account.getPublicKey()}: ${accountToken(account, 'probes', storage)}
  ${system.getPublicKey()}: ${accountToken(system, 'system', {})}
}`;
  }

  /** The rights of the test's own connections. */
  clientFor(what: 'password' | 'token' | 'nkey' | 'creds'): ConnectionOptions {
    switch (what) {
      case 'password':
        return { user: 'ada', pass: 'new hunter2' };
      case 'token':
        return { token: 'hunter2-new' };
      case 'nkey':
        return { authenticator: nkeyAuthenticator(Buffer.from(this.plain.seed)) };
      default:
        return { authenticator: credsAuthenticator(Buffer.from(this.creds)) };
    }
  }
}
