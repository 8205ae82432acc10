import type { ConnectionOptions } from 'node:tls';
import type { KafkaOutputConfig } from './config.ts';
import { BrokerError, CODE } from './error-codes.ts';
import type { Link } from './link.ts';
import { Scram } from './scram.ts';
import {
  API,
  readSaslAuthenticate,
  readSaslHandshake,
  saslAuthenticateRequest,
  saslHandshakeRequest,
  type SaslReply,
} from './wire/messages.ts';

/** How the agent proves who it is. */
export interface Sasl {
  readonly mechanism: NonNullable<KafkaOutputConfig['auth']>['mechanism'];
  readonly user: string;
  readonly password: string;
}

/** The credentials of a connection. */
export interface Access {
  /** Undefined for plain connections. */
  readonly tls: ConnectionOptions | undefined;
  readonly sasl: Sasl | undefined;
}

/** How many of the broker's mechanisms a message names. */
const MAX_MECHANISMS_SHOWN = 8;

/**
 * Authenticates a new connection.
 * @param version of SaslAuthenticate
 * @param timeLeft milliseconds for the next request
 * @returns how long the connection may live, in milliseconds; 0 without an end
 * @throws {BrokerError} when the broker does not take it, and what `Link.request` throws
 */
export async function authenticate(link: Link, sasl: Sasl, version: number, timeLeft: () => number): Promise<number> {
  const { mechanism, user, password } = sasl;
  const wanted = mechanism.toUpperCase();
  const { error, mechanisms } = readSaslHandshake(
    await link.request(API.saslHandshake, API.saslHandshake.max, [saslHandshakeRequest(wanted)], timeLeft()),
  );
  if (error !== CODE.none)
    throw new BrokerError(error, error === CODE.unsupportedSaslMechanism ? offer(mechanisms) : undefined);
  const say = async (message: Buffer): Promise<SaslReply> => {
    const reply = readSaslAuthenticate(
      await link.request(API.saslAuthenticate, version, [saslAuthenticateRequest(message)], timeLeft()),
      version,
    );
    if (reply.error !== CODE.none) throw new BrokerError(reply.error);
    return reply;
  };
  // RFC 4616.
  if (mechanism === 'plain') return (await say(Buffer.from(`\0${user}\0${password}`))).lifetimeMs;
  const scram = new Scram(mechanism, user, password);
  const first = await say(scram.first);
  const final = await say(await scram.final(first.message));
  scram.verify(final.message);
  return final.lifetimeMs;
}

/** The mechanisms that the broker offers, as far as they look like some. */
function offer(mechanisms: readonly string[]): string {
  const names = mechanisms.filter((name) => /^[A-Z0-9_-]{1,20}$/u.test(name)).slice(0, MAX_MECHANISMS_SHOWN);
  return names.length === 0 ? 'it offers no other' : `it offers ${names.join(', ')}`;
}
