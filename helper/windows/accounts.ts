import { HelperError } from '../errors.ts';
import type { Windows } from './functions.ts';
import { sidOfName, sidText } from './sid.ts';

/**
 * The SID of an account or group. Refuses accounts that stand for nobody or everybody, since the stream contains the
 * arguments of all programs.
 * @throws {HelperError} HELPER_NO_ACCOUNT
 */
export function findSid(windows: Windows, name: string): string {
  const sid = sidOfName(name) ?? lookUp(windows, name);
  if (sid === undefined)
    throw new HelperError(
      'HELPER_NO_ACCOUNT',
      `--group: there is no account "${name}". Give a name, or a SID such as S-1-5-32-544.`,
    );
  if (TOO_WIDE.has(sid))
    throw new HelperError('HELPER_NO_ACCOUNT', `--group: "${name}" is ${TOO_WIDE.get(sid)}. Name a separate group.`);
  return sid;
}

const TOO_WIDE: ReadonlyMap<string, string> = new Map([
  ['S-1-1-0', 'everybody'],
  ['S-1-5-7', 'everyone who has not logged on'],
  ['S-1-5-11', 'every user'],
  ['S-1-5-32-545', 'every user'],
  ['S-1-5-32-546', 'every guest'],
]);

function lookUp(windows: Windows, name: string): string | undefined {
  const sid = Buffer.alloc(68);
  const domain = Buffer.alloc(1024);
  return windows.LookupAccountNameW(null, name, sid, [sid.length], domain, [domain.length / 2], [0]) === true
    ? sidText(sid)
    : undefined;
}
