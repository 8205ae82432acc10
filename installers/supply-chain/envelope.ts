import { createHash, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';

const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/**
 * A statement with its signature, as one line (https://github.com/secure-systems-lab/dsse, protocol.md and envelope.md). The
 * same key and statement give the same line.
 */
export function envelope(statement: string, key: KeyObject): string {
  const signature = sign(undefined, preAuthenticated(statement), key);
  return `${JSON.stringify({
    payload: Buffer.from(statement).toString('base64'),
    payloadType: PAYLOAD_TYPE,
    signatures: [{ keyid: keyId(key), sig: signature.toString('base64') }],
  })}\n`;
}

/** The bytes that are signed (PAE in the specification). */
function preAuthenticated(statement: string): Buffer {
  const body = Buffer.from(statement);
  return Buffer.concat([Buffer.from(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${body.length} `), body]);
}

/** SHA-256 of the public key in its DER form. */
function keyId(key: KeyObject): string {
  return createHash('sha256')
    .update(createPublicKey(key).export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

/**
 * An Ed25519 private key in PEM form, as `openssl genpkey -algorithm ed25519` writes it.
 * @param passwordFile its first line opens an encrypted key
 * @throws {Error} that names the file and what to do
 */
export function signingKey(file: string, passwordFile?: string): KeyObject {
  const passphrase = passwordFile === undefined ? {} : { passphrase: firstLine(passwordFile) };
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: readFileSync(file), ...passphrase });
  } catch (cause) {
    throw new Error(`--provenance-key: cannot read a private key from ${file}: ${(cause as Error).message}`, { cause });
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw new Error(
      `--provenance-key: ${file} is a key for ${key.asymmetricKeyType}, not Ed25519. openssl genpkey -algorithm ed25519 makes one.`,
    );
  return key;
}

const firstLine = (file: string): string => readFileSync(file, 'utf8').split(/\r?\n/u, 1)[0] ?? '';
