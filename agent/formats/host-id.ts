import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { reasonOf } from '../errors.ts';
import { readBoundedSync } from '../files/read-bounded.ts';

/** This product's application id. Never changes: all ids of hosts follow from it. */
export const APPLICATION_ID = 'abdfe1ce-6dc0-48af-b718-7f6bf08c46ec';

/** Where Linux keeps the machine's id: machine-id(5), and D-Bus's older place, which is the fallback. */
const LINUX_FILES = ['/etc/machine-id', '/var/lib/dbus/machine-id'];

const MAX_FILE_BYTES = 4096;
const COMMAND_TIMEOUT_MS = 10_000;

/** How the system is asked. Tests put their own answers in. */
export interface SystemAnswers {
  readonly platform: NodeJS.Platform;
  /** @throws where there is no such file */
  readonly readFile: (path: string) => string;
  /** Standard output of a program. @throws where it fails */
  readonly run: (program: string, args: readonly string[]) => string;
}

const REAL: SystemAnswers = {
  platform: process.platform,
  readFile: (path) => readBoundedSync(path, { maxBytes: MAX_FILE_BYTES }).toString('utf8'),
  run: (program, args) =>
    execFileSync(program, args, { encoding: 'utf8', timeout: COMMAND_TIMEOUT_MS, windowsHide: true, stdio: 'pipe' }),
};

/**
 * A stable id of this host, 32 hexadecimal digits: an HMAC of the machine's own id, which is never told to anybody.
 * Made as sd_id128_get_machine_app_specific(3) makes it, so on Linux `systemd-id128 machine-id
 * --app-specific=APPLICATION_ID` prints the same.
 * @throws where the machine has no id; the message says what to do
 */
export function hostId(system: SystemAnswers = REAL): string {
  const digest = createHmac('sha256', Buffer.from(machineId(system), 'hex'))
    .update(Buffer.from(APPLICATION_ID.replaceAll('-', ''), 'hex'))
    .digest()
    .subarray(0, 16);
  // RFC 9562, section 5.4: the version and variant of a random UUID.
  digest[6] = (digest[6]! & 0x0f) | 0x40;
  digest[8] = (digest[8]! & 0x3f) | 0x80;
  return digest.toString('hex');
}

/** The machine's own id: 32 hexadecimal digits. */
function machineId({ platform, readFile, run }: SystemAnswers): string {
  switch (platform) {
    case 'win32':
      return idIn(
        'MachineGuid of the registry',
        () =>
          /MachineGuid\s+REG_SZ\s+(\S+)/u.exec(
            run(join(process.env['SystemRoot'] ?? 'C:\\Windows', 'System32', 'reg.exe'), [
              'query',
              String.raw`HKLM\SOFTWARE\Microsoft\Cryptography`,
              '/v',
              'MachineGuid',
              '/reg:64',
            ]),
          )?.[1],
        'repair the installation of Windows',
      );
    case 'darwin':
      return idIn(
        'IOPlatformUUID of ioreg',
        () =>
          /"IOPlatformUUID" = "([^"]+)"/u.exec(run('/usr/sbin/ioreg', ['-rd1', '-c', 'IOPlatformExpertDevice']))?.[1],
        'run /usr/sbin/ioreg -rd1 -c IOPlatformExpertDevice and see what it lacks',
      );
    default:
      return linuxId(readFile);
  }
}

function linuxId(readFile: (path: string) => string): string {
  const advice = 'make one with systemd-machine-id-setup, or mount the one of the host into the container';
  const reasons: string[] = [];
  for (const path of LINUX_FILES) {
    try {
      return idIn(path, () => readFile(path).trim(), advice);
    } catch (error) {
      reasons.push(reasonOf(error));
    }
  }
  throw new Error(reasons[0]);
}

/** @throws an error that names the place */
function idIn(place: string, read: () => string | undefined, advice: string): string {
  let text: string | undefined;
  let reason = 'it holds no id of 32 hexadecimal digits';
  try {
    text = read();
  } catch (error) {
    reason = reasonOf(error);
  }
  const digits = text?.replaceAll('-', '').toLowerCase() ?? '';
  if (/^[0-9a-f]{32}$/u.test(digits) && !/^0+$/u.test(digits)) return digits;
  throw new Error(`cannot tell which host this is, from ${place}: ${reason}; ${advice}`);
}
