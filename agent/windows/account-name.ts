import { windowsFunctions } from './functions.ts';

/** Longest name of a user (UNLEN, 256) or domain (DNLEN is 15; names of DNS are longer), with its NUL, in characters. */
const NAME_CHARACTERS = 257;

/**
 * Asks Windows for the account with a SID: this machine, then the domain controllers that it trusts, for as long as Windows
 * waits for them (https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-lookupaccountsidw).
 * @returns `DOMAIN\name`, or only the name if there is no domain; undefined for an unknown account, or a text that is not a SID
 */
export function lookUpAccountName(text: string): string | undefined {
  const windows = windowsFunctions();
  const sid: bigint[] = [0n];
  if (windows.ConvertStringSidToSidW(text, sid) !== true) return undefined;
  const [name, domain] = [Buffer.alloc(2 * NAME_CHARACTERS), Buffer.alloc(2 * NAME_CHARACTERS)];
  const [nameLength, domainLength] = [[NAME_CHARACTERS], [NAME_CHARACTERS]];
  const found = windows.LookupAccountSidW(null, sid[0], name, nameLength, domain, domainLength, [0]) === true;
  windows.LocalFree(sid[0]);
  if (!found) return undefined;
  // Without the NUL, once it has succeeded.
  const parts = [domain.toString('utf16le', 0, 2 * domainLength[0]!), name.toString('utf16le', 0, 2 * nameLength[0]!)];
  return parts.filter((part) => part !== '').join('\\') || undefined;
}
