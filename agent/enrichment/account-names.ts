import { lookUpAccountName } from '../windows/account-name.ts';
import { AskedNames } from './asked-names.ts';

/**
 * Accounts of Windows itself that processes run as, by the SIDs that they have everywhere
 * (https://learn.microsoft.com/windows-server/identity/ad-ds/manage/understand-security-identifiers, [MS-DTYP] 2.4.2.4).
 * Windows in another language has other names for them; rules are written with these.
 */
const WELL_KNOWN: ReadonlyMap<string, string> = new Map([
  ['S-1-5-7', String.raw`NT AUTHORITY\ANONYMOUS LOGON`],
  ['S-1-5-17', String.raw`NT AUTHORITY\IUSR`],
  ['S-1-5-18', String.raw`NT AUTHORITY\SYSTEM`],
  ['S-1-5-19', String.raw`NT AUTHORITY\LOCAL SERVICE`],
  ['S-1-5-20', String.raw`NT AUTHORITY\NETWORK SERVICE`],
]);

export interface AccountNamesOptions {
  /** Asks Windows for the account with a SID. Left out: only those that every Windows has are known. */
  readonly askSystem?: (sid: string) => string | undefined;
  /** Milliseconds on a clock that never steps. */
  readonly now?: () => number;
}

/** Names of Windows accounts, `DOMAIN\name`, by SID. Cached and bounded. */
export class AccountNames {
  readonly #asked: AskedNames<string> | undefined;

  constructor({ askSystem, now = () => performance.now() }: AccountNamesOptions = {}) {
    this.#asked = askSystem === undefined ? undefined : new AskedNames(askSystem, now);
  }

  /** Names that were asked for and are remembered. */
  get remembered(): number {
    return this.#asked?.size ?? 0;
  }

  /** The account's name; the SID itself where there is none, or it cannot be found out now. */
  of(sid: string): string {
    return WELL_KNOWN.get(sid) ?? this.#asked?.of(sid) ?? sid;
  }
}

/** Names that this machine knows. Outside of Windows, only those that every Windows has. */
export function accountNamesHere(): AccountNames {
  return new AccountNames(process.platform === 'win32' ? { askSystem: lookUpAccountName } : {});
}
