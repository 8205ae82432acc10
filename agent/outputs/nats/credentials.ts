import { secretText, type SmallFiles } from '../network/small-files.ts';
import type { NatsOutputConfig } from './config.ts';
import { nkeyOf, type Nkey } from './nkey.ts';

type Auth = NatsOutputConfig['auth'];

/** How the agent proves who it is. */
export interface Credentials {
  /** The fields of CONNECT that carry it. @param nonce of the server, where it sent one */
  fields(nonce: string | undefined): Readonly<Record<string, string>>;
  /** Texts that no message may hold. */
  readonly secrets: readonly string[];
}

/** The files that `auth` names. */
export function authFiles(auth: Auth): Array<string | undefined> {
  return [auth?.password_file, auth?.token_file, auth?.creds_file, auth?.nkey_file];
}

/**
 * Credentials of files that were read.
 * @throws where a file does not hold what it should; the message does not show it
 */
export function credentialsOf(auth: Auth, files: SmallFiles): Credentials {
  if (auth === undefined) return { fields: () => ({}), secrets: [] };
  const { user, password_file, token_file, creds_file, nkey_file } = auth;
  if (creds_file !== undefined) {
    const { jwt, seed, nkey } = credsIn(files.get(creds_file)!.toString('utf8'), creds_file);
    return { fields: (nonce) => ({ jwt, ...signature(nkey, nonce) }), secrets: [jwt, seed] };
  }
  if (nkey_file !== undefined) {
    const seed = secretText(files.get(nkey_file)!, nkey_file);
    const nkey = nkeyOf(seed);
    if (nkey === undefined) throw new Error(`${nkey_file} holds no seed of a user's nkey, which begins with SU`);
    return { fields: (nonce) => ({ nkey: nkey.publicKey, ...signature(nkey, nonce) }), secrets: [seed] };
  }
  if (token_file !== undefined) {
    const token = secretText(files.get(token_file)!, token_file);
    return { fields: () => ({ auth_token: token }), secrets: [token] };
  }
  const password = secretText(files.get(password_file)!, password_file!);
  return { fields: () => ({ user: user!, pass: password }), secrets: [password] };
}

/** A server that asks for no key sends no nonce. */
function signature(nkey: Nkey, nonce: string | undefined): { sig?: string } {
  return nonce === undefined ? {} : { sig: nkey.sign(nonce) };
}

/** A file of `nsc generate creds`: a JSON Web Token and a seed, each between lines of dashes. */
function credsIn(text: string, path: string): { jwt: string; seed: string; nkey: Nkey } {
  const blocks = [...text.matchAll(/^-{3,}BEGIN ([A-Z ]{1,40})-{3,}\s+([\w.-]+)\s+-{3,}END \1-{3,}\s*$/gmu)];
  const jwt = blocks.find(([, name]) => name?.endsWith('JWT'))?.[2];
  const seed = blocks.find(([, name]) => name?.endsWith('SEED'))?.[2];
  const nkey = seed === undefined ? undefined : nkeyOf(seed);
  if (jwt === undefined || seed === undefined || nkey === undefined)
    throw new Error(`${path} holds no credentials of a NATS user: a JWT and a seed, as nsc generate creds writes them`);
  return { jwt, seed, nkey };
}
