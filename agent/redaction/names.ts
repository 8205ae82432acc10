import { MAX_NAME } from './limits.ts';

/** A name that ends in one of these names a secret: `--db-password`, `PGPASSWORD`, `clientSecret`. */
const ENDINGS = [
  'password', 'passwd', 'passphrase', 'passwort', 'secret', 'token', 'apikey', 'accesskey', 'secretkey', 'accountkey',
  'authkey', 'sharedkey', 'masterkey', 'encryptionkey', 'privatekey', 'storagekey', 'subscriptionkey', 'secretkeybase',
  'storepass', 'keypass', 'sshpass', 'dbpass', 'userpass',
]; // prettier-ignore
/** Words that have to stand alone, since others end in them: `bypass`, `compass`. */
const WORDS: ReadonlySet<string> = new Set(['pass', 'pwd', 'passcode', 'pw', 'psk', 'cred', 'creds', 'credential', 'credentials']); // prettier-ignore
/** Words before the last that make another thing of it: a number of tokens, a place in a list. */
const OTHER_THINGS: ReadonlySet<string> = new Set([
  'max', 'min', 'num', 'count', 'next', 'page', 'start', 'starting', 'continuation', 'pad', 'eos', 'bos', 'unk', 'stop',
]); // prettier-ignore
/** First words of options that ask for something to be done with a password, and so take none. */
const VERBS: ReadonlySet<string> = new Set([
  'no', 'ask', 'prompt', 'without', 'show', 'hide', 'gen', 'generate', 'random', 'require', 'disable', 'enable', 'allow', 'print',
  'rotate', 'list', 'create', 'delete', 'get', 'change', 'reset', 'force', 'validate', 'check', 'skip', 'use',
]); // prettier-ignore
/** Signatures in the query of a URL: whoever has the URL may do what it signs. */
const QUERY: ReadonlySet<string> = new Set(['sig', 'signature', 'xamzsignature', 'xgoogsignature', 'xamzcredential']);

/** `dbPassword`, `DB_PASSWORD` and `--db-password` are the same words. */
const SEPARATOR = /[-_.]+|(?<=[a-z0-9])(?=[A-Z])/;

export type Secrecy =
  /** A value with this name is a secret. */
  | 'secret'
  /** It is one unless it is a path: `--private-key FILE`. */
  | 'secret_unless_path';

/** Whether a name of an option, a variable or a key says that its value is a secret. */
export function secrecyOf(name: string): Secrecy | undefined {
  // The end says what it is.
  const words = wordsOf(name.slice(-MAX_NAME));
  const last = words.at(-1)?.replace(/[0-9]+$/, '');
  if (last === undefined || words.slice(0, -1).some((word) => OTHER_THINGS.has(word))) return undefined;
  const joined = words.slice(0, -1).join('') + last;
  if (last === 'pwd' || /key(?:base)?$/.test(joined)) {
    const isNamed = last === 'pwd' || ENDINGS.some((ending) => joined.endsWith(ending));
    return isNamed ? 'secret_unless_path' : undefined;
  }
  return WORDS.has(last) || ENDINGS.some((ending) => joined.endsWith(ending)) ? 'secret' : undefined;
}

/** Whether an option with the name of a secret takes no value: `--ask-password`. */
export function takesNone(option: string): boolean {
  return VERBS.has(wordsOf(option)[0] ?? '');
}

const wordsOf = (name: string): string[] =>
  name
    .split(SEPARATOR)
    .filter((word) => word !== '')
    .map((word) => word.toLowerCase());

/** The same for a parameter of a URL. */
export function querySecrecyOf(name: string): Secrecy | undefined {
  return QUERY.has(name.toLowerCase().replaceAll(/[-_]/g, '')) ? 'secret' : secrecyOf(name);
}

/** Headers of HTTP that prove who asks, besides `X-…` with a secret's name. */
const HEADERS: ReadonlySet<string> = new Set([
  'authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'api-key', 'apikey', 'private-token', 'job-token', 'deploy-token', 'ocp-apim-subscription-key', 'x-functions-key',
]); // prettier-ignore

export function isSecretHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return (
    HEADERS.has(lower) ||
    (/^x-./.test(lower) && (secrecyOf(lower) !== undefined || /-(?:auth|authorization|session)$/.test(lower)))
  );
}

/** Parts of names, one of which is in every name that `secrecyOf` and `isSecretHeader` know; in lower case. */
export const NAME_TRIGGERS: readonly string[] = ['pass', 'secret', 'token', 'key', 'pwd', 'pw', 'psk', 'cred', 'authoriz', 'cookie', '-auth:', '-session:', 'sig=', 'signature', 'x-amz-cred']; // prettier-ignore
