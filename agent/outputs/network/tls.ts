import { isIP } from 'node:net';
import { createSecureContext, type ConnectionOptions, type SecureContext } from 'node:tls';
import { reasonOf } from '../../errors.ts';
import type { TlsConfig } from './config.ts';
import type { SmallFiles } from './small-files.ts';

/** The files that a `tls` section names. */
export function tlsFiles(tls: TlsConfig | undefined): Array<string | undefined> {
  return [tls?.ca, tls?.cert, tls?.key];
}

/**
 * Options for a connection, of files that were read.
 * @throws where a file is no PEM, or key and certificate do not fit; the message names the keys
 */
export function tlsOptions(tls: TlsConfig | undefined, files: SmallFiles): ConnectionOptions {
  if (tls === undefined) return {};
  const { ca, cert, key, server_name, verify } = tls;
  const certificate = { cert: files.get(cert), key: files.get(key) };
  if (ca !== undefined) tryContext(`tls.ca, ${ca}, holds no certificates in PEM`, { ca: files.get(ca)! });
  let secureContext: SecureContext;
  try {
    secureContext = createSecureContext({
      ...(ca === undefined ? {} : { ca: files.get(ca)! }),
      ...(certificate.cert === undefined ? {} : certificate),
    });
  } catch (error) {
    throw new Error(
      `tls.cert, ${cert}, and tls.key, ${key}, do not go together, or are not PEM without a password: ${reasonOf(error)}`,
      { cause: error },
    );
  }
  return {
    secureContext,
    rejectUnauthorized: verify,
    ...(server_name === undefined ? {} : { servername: server_name }),
  };
}

/**
 * The name that a receiver is told (SNI), so that it shows the right certificate; an address is no name. `tlsOptions` go over it. A
 * plain `tls.connect` tells none.
 */
export function nameFor(host: string): ConnectionOptions {
  return isIP(host) === 0 ? { servername: host } : {};
}

/** Node.js takes a file without certificates for an empty list, and then trusts nobody. */
function tryContext(problem: string, { ca }: { ca: Buffer }): void {
  if (!ca.includes('-----BEGIN')) throw new Error(problem);
  try {
    createSecureContext({ ca });
  } catch (error) {
    throw new Error(`${problem}: ${reasonOf(error)}`, { cause: error });
  }
}
