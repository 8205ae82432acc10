import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** RFC 7677, section 4: no fewer. */
const MIN_ITERATIONS = 4096;
/** More would keep a processor busy for seconds: the number comes from whoever answers. */
const MAX_ITERATIONS = 1_000_000;
/** The longest message that is looked at, in bytes. */
const MAX_MESSAGE_BYTES = 4096;
const NONCE_BYTES = 24;

/** No channel binding: `n,,` in base64 (RFC 5802, section 7). */
const GS2_HEADER = 'n,,';

const HASHES = {
  'scram-sha-256': { name: 'sha256', bytes: 32 },
  'scram-sha-512': { name: 'sha512', bytes: 64 },
} as const;

/** The other side does not follow SCRAM, or does not know the password either. */
export class ScramError extends Error {
  override readonly name = 'ScramError';
}

/**
 * The client's half of SCRAM (RFC 5802, RFC 7677), for one authentication. The password's characters are used as they are:
 * Kafka does not apply SASLprep.
 */
export class Scram {
  readonly #hash: (typeof HASHES)[keyof typeof HASHES];
  readonly #password: string;
  readonly #nonce: string;
  readonly #firstBare: string;
  #serverSignature: Buffer | undefined;

  /** @param nonce printable, without a comma; another one each time */
  constructor(
    mechanism: keyof typeof HASHES,
    user: string,
    password: string,
    nonce = randomBytes(NONCE_BYTES).toString('base64'),
  ) {
    this.#hash = HASHES[mechanism];
    this.#password = password;
    this.#nonce = nonce;
    this.#firstBare = `n=${user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
  }

  get first(): Buffer {
    return Buffer.from(GS2_HEADER + this.#firstBare);
  }

  /**
   * The client's last message, in answer to the server's first.
   * @throws {ScramError} where that is not as it must be; the message shows nothing of it
   */
  async final(serverFirst: Buffer): Promise<Buffer> {
    const text = textOf(serverFirst);
    const [, nonce, salt, count] =
      /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/]+=*),i=(\d{1,9})(?:,|$)/u.exec(text) ?? [];
    if (nonce === undefined || !nonce.startsWith(this.#nonce) || nonce === this.#nonce)
      throw new ScramError('the broker does not follow SCRAM');
    const iterations = Number(count);
    if (iterations < MIN_ITERATIONS || iterations > MAX_ITERATIONS)
      throw new ScramError(`the broker asks for ${iterations} iterations, not ${MIN_ITERATIONS} to ${MAX_ITERATIONS}`);
    const { name, bytes } = this.#hash;
    const salted = await promisify(pbkdf2)(this.#password, Buffer.from(salt!, 'base64'), iterations, bytes, name);
    const hmac = (key: Buffer, data: string): Buffer => createHmac(name, key).update(data).digest();
    const clientKey = hmac(salted, 'Client Key');
    const storedKey = createHash(name).update(clientKey).digest();
    const withoutProof = `c=${Buffer.from(GS2_HEADER).toString('base64')},r=${nonce}`;
    const exchange = `${this.#firstBare},${text},${withoutProof}`;
    const signature = hmac(storedKey, exchange);
    this.#serverSignature = hmac(hmac(salted, 'Server Key'), exchange);
    const proof = clientKey.map((byte, i) => byte ^ signature[i]!);
    return Buffer.from(`${withoutProof},p=${Buffer.from(proof).toString('base64')}`);
  }

  /** @throws {ScramError} unless the server's last message proves that it knows the password too */
  verify(serverFinal: Buffer): void {
    const [, text] = /^v=([A-Za-z0-9+/]+=*)(?:,|$)/u.exec(textOf(serverFinal)) ?? [];
    const shown = Buffer.from(text ?? '', 'base64');
    const expected = this.#serverSignature;
    if (expected === undefined || shown.length !== expected.length || !timingSafeEqual(shown, expected))
      throw new ScramError('the broker does not prove that it knows the password; it may be another server');
  }
}

function textOf(message: Buffer): string {
  if (message.length > MAX_MESSAGE_BYTES) throw new ScramError('the broker does not follow SCRAM');
  return message.toString('latin1');
}
