import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

export interface SaslOptions {
  readonly mechanisms: readonly string[];
  readonly user: string;
  password: string;
  iterations?: number;
  lifetimeMs?: number;
  /** Answers with a signature of another password. */
  impostor?: boolean;
}

/** How far a connection has come. */
export interface Session {
  isIn: boolean;
  mechanism: string;
  step: number;
  first: string;
  server: string;
}

/** A broker's answer to a message of SASL, and whether it now believes who that is; undefined for a refusal. */
export function answerTo(
  sasl: SaslOptions,
  session: Session,
  message: string,
): { text: string; isIn: boolean } | undefined {
  return session.mechanism === 'PLAIN' ? plain(sasl, message) : scram(sasl, session, message);
}

function plain({ user, password }: SaslOptions, message: string): { text: string; isIn: boolean } | undefined {
  return message === `\0${user}\0${password}` ? { text: '', isIn: true } : undefined;
}

/** The server's half of SCRAM, by RFC 5802. */
function scram(sasl: SaslOptions, session: Session, message: string): { text: string; isIn: boolean } | undefined {
  const name = session.mechanism === 'SCRAM-SHA-512' ? 'sha512' : 'sha256';
  const salt = Buffer.from('pepper and salt');
  const iterations = sasl.iterations ?? 4096;
  if (session.step++ === 0) {
    session.first = message.slice('n,,'.length);
    const { n: user, r: nonce } = fields(session.first);
    if (user!.replaceAll('=2C', ',').replaceAll('=3D', '=') !== sasl.user) return undefined;
    session.server = `r=${nonce}server,s=${salt.toString('base64')},i=${iterations}`;
    return { text: session.server, isIn: false };
  }
  const hmac = (key: Buffer, text: string): Buffer => createHmac(name, key).update(text).digest();
  const salted = pbkdf2Sync(sasl.password, salt, iterations, name === 'sha512' ? 64 : 32, name);
  const [withoutProof, proof] = message.split(',p=');
  const all = `${session.first},${session.server},${withoutProof}`;
  const clientKey = hmac(salted, 'Client Key');
  const signature = hmac(createHash(name).update(clientKey).digest(), all);
  const expected = Buffer.from(clientKey.map((byte, i) => byte ^ signature[i]!)).toString('base64');
  if (proof !== expected && sasl.impostor !== true) return undefined;
  return { text: `v=${hmac(hmac(salted, 'Server Key'), all).toString('base64')}`, isIn: true };
}

const fields = (text: string): Record<string, string> =>
  Object.fromEntries(text.split(',').map((field) => [field[0]!, field.slice(2)]));
