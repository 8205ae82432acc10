import { createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';

// The text form of nkeys: base32 of a prefix, 32 bytes, and a CRC-16 of both (github.com/nats-io/nkeys).
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const PREFIX_SEED = 18 << 3;
const PREFIX_USER = 20 << 3;
const CRC_BYTES = 2;

/** Two bytes of prefix, 32 of the seed, and the CRC. */
const SEED_LETTERS = 58;

/** DER in front of an Ed25519 seed: RFC 8410, section 7. */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/** A user's key pair. */
export interface Nkey {
  /** `U…`, which a server's configuration names. */
  readonly publicKey: string;
  /** The signature of a server's nonce, as CONNECT carries it: base64url. */
  sign(nonce: string): string;
}

/**
 * The key pair of a user's seed, `SU…`.
 * @returns undefined when it is none
 */
export function nkeyOf(seed: string): Nkey | undefined {
  const bytes = fromBase32(seed);
  if (seed.length !== SEED_LETTERS || bytes === undefined) return undefined;
  const body = bytes.subarray(0, -CRC_BYTES);
  const kind = ((body[0]! & 7) << 5) | (body[1]! >> 3);
  if (bytes.readUInt16LE(body.length) !== crc16(body) || (body[0]! & 0xf8) !== PREFIX_SEED || kind !== PREFIX_USER)
    return undefined;
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_HEAD, body.subarray(2)]),
    format: 'der',
    type: 'pkcs8',
  });
  return {
    publicKey: publicText(key),
    sign: (nonce) => sign(null, Buffer.from(nonce), key).toString('base64url'),
  };
}

function publicText(key: KeyObject): string {
  const raw = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
  const body = Buffer.concat([Buffer.of(PREFIX_USER), raw]);
  const crc = Buffer.alloc(CRC_BYTES);
  crc.writeUInt16LE(crc16(body));
  return toBase32(Buffer.concat([body, crc]));
}

/** RFC 4648, section 6, without padding. */
function fromBase32(text: string): Buffer | undefined {
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (const letter of text) {
    const value = ALPHABET.indexOf(letter);
    if (value === -1) return undefined;
    held = ((held << 5) | value) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((held >> bits) & 0xff);
  }
  return Buffer.from(bytes);
}

function toBase32(bytes: Buffer): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(held >> (bits - 5)) & 31];
  }
  return bits === 0 ? text : text + ALPHABET[(held << (5 - bits)) & 31];
}

/** CRC-16 with the polynomial of XMODEM. */
function crc16(bytes: Buffer): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let i = 0; i < 8; i++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}
