import { lookUpAccountName } from '../windows/account-name.ts';
import { AskedNames } from './asked-names.ts';

/**
 * Windows' own accounts that run processes, by SID, which is the same everywhere
 * (https://learn.microsoft.com/windows-server/identity/ad-ds/manage/understand-security-identifiers, [MS-DTYP] 2.4.2.4).
 * Localised Windows has other names for them; rules use these.
 */
const WELL_KNOWN: ReadonlyMap<string, string> = new Map([
  ['S-1-5-7', String.raw`NT AUTHORITY\ANONYMOUS LOGON`],
  ['S-1-5-17', String.raw`NT AUTHORITY\IUSR`],
  ['S-1-5-18', String.raw`NT AUTHORITY\SYSTEM`],
  ['S-1-5-19', String.raw`NT AUTHORITY\LOCAL SERVICE`],
  ['S-1-5-20', String.raw`NT AUTHORITY\NETWORK SERVICE`],
]);

export interface AccountNamesOptions {
  /** Asks Windows for the account with a SID. Without it, only the built-in accounts are known. */
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

  /** Number of remembered names. */
  get remembered(): number {
    return this.#asked?.size ?? 0;
  }

  /** Returns the account's name; the SID itself if it has no name or the name cannot be found now. */
  of(sid: string): string {
    return WELL_KNOWN.get(sid) ?? this.#asked?.of(sid) ?? sid;
  }
}

/** Names that this machine knows. Outside Windows, only the built-in accounts. */
export function accountNamesHere(): AccountNames {
  return new AccountNames(process.platform === 'win32' ? { askSystem: lookUpAccountName } : {});
}
