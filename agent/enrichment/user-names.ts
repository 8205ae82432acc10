import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { AskedNames } from './asked-names.ts';
import { PASSWORD_FILE_CHECK_MS, USER_LOOKUP_MS } from './limits.ts';
import { readUserNames } from './password-file.ts';

export interface UserNamesOptions {
  readonly passwordFile?: string;
  /** Lists the system's sources of users; `files` alone means that /etc/passwd has them all. */
  readonly switchFile?: string;
  /** Asks the system for a name that the password file does not have. */
  readonly askSystem?: (uid: number) => string | undefined;
  /** Milliseconds on a clock that never steps. */
  readonly now?: () => number;
}

/** Names of users: from /etc/passwd and the system's other sources (LDAP, sssd). Cached and bounded. */
export class UserNames {
  readonly #options: UserNamesOptions;
  readonly #now: () => number;
  #inFile: ReadonlyMap<number, string> = new Map();
  #fileStamp = '';
  #hasOthers = false;
  #checkedAt = -Infinity;
  readonly #asked: AskedNames<number>;

  constructor(options: UserNamesOptions = {}) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#asked = new AskedNames(options.askSystem ?? askNameService, this.#now);
  }

  /** Number of remembered names. */
  get remembered(): number {
    return this.#asked.size;
  }

  /** Returns the user's name; undefined if there is none or it cannot be found now. */
  of(uid: number): string | undefined {
    const now = this.#now();
    if (now - this.#checkedAt >= PASSWORD_FILE_CHECK_MS) this.#refresh(now);
    return this.#inFile.get(uid) ?? (this.#hasOthers ? this.#asked.of(uid) : undefined);
  }

  #refresh(now: number): void {
    const { passwordFile = '/etc/passwd', switchFile = '/etc/nsswitch.conf' } = this.#options;
    this.#checkedAt = now;
    const stamp = [passwordFile, switchFile].map(stampOf).join();
    if (stamp === this.#fileStamp) return;
    this.#fileStamp = stamp;
    this.#inFile = readUserNames(passwordFile);
    this.#hasOthers = knowsOtherUsers(switchFile);
  }
}

function stampOf(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats === undefined ? '' : `${stats.ino} ${stats.mtimeMs} ${stats.size}`;
}

/** Whether `passwd:` of nsswitch.conf(5) names sources other than the password file and systemd's generated users. On macOS, that file lists only services. */
function knowsOtherUsers(file: string): boolean {
  if (process.platform === 'darwin') return true;
  try {
    const [, sources = ''] = /^passwd:(.*)$/m.exec(readFileSync(file, 'utf8')) ?? [];
    return sources
      .replace(/\[.*?\]|#.*/g, ' ')
      .split(/\s+/)
      .some((source) => !['', 'files', 'compat', 'systemd'].includes(source));
  } catch {
    // Without that file, the C library reads only the password file.
    return false;
  }
}

/** Runs a child process, the only way to the C library's name service. macOS has no getent. */
function askNameService(uid: number): string | undefined {
  const [program, ...args] =
    process.platform === 'darwin' ? ['/usr/bin/id', '-un', String(uid)] : ['/usr/bin/getent', 'passwd', String(uid)];
  const { status, stdout } = spawnSync(program!, args, {
    encoding: 'utf8',
    env: {},
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: USER_LOOKUP_MS,
    killSignal: 'SIGKILL',
    maxBuffer: 65_536,
  });
  const name = status === 0 ? stdout.trimEnd().split(':', 1)[0] : undefined;
  return name === '' ? undefined : name;
}
