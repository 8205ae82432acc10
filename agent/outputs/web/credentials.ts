import { secretText, type SmallFiles } from '../network/small-files.ts';
import type { AuthConfig } from './config.ts';

/** The agent's credentials. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  /** Texts that no message may hold: the secret, and the forms in which it is sent. */
  readonly secrets: readonly string[];
}

/** The files that `auth` names. */
export function authFiles(auth: AuthConfig | undefined): Array<string | undefined> {
  return [auth?.password_file, auth?.token_file];
}

/**
 * Credentials of files that were read.
 * @throws where a file holds no secret that a header can carry; the message does not show it
 */
export function credentialsOf(auth: AuthConfig | undefined, files: SmallFiles): Credentials {
  if (auth === undefined) return { headers: {}, secrets: [] };
  const { user, password_file, token_file, header, scheme = header === undefined ? 'Bearer' : '' } = auth;
  if (token_file === undefined) {
    const password = secretText(files.get(password_file)!, password_file!);
    const pair = Buffer.from(`${user}:${password}`).toString('base64');
    return { headers: { Authorization: `Basic ${pair}` }, secrets: [password, pair] };
  }
  const token = secretText(files.get(token_file)!, token_file);
  if (!/^[\x20-\x7e]+$/u.test(token)) throw new Error(`${token_file} holds characters that no header can carry`);
  return {
    headers: { [header ?? 'Authorization']: scheme === '' ? token : `${scheme} ${token}` },
    secrets: [token],
  };
}
