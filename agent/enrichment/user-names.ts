import { spawnSync } from 'node:child_process';
import { statSync, type Stats } from 'node:fs';
import { readBoundedSync } from '../files/read-bounded.ts';
import { AskedNames } from './asked-names.ts';
import { MAX_NAMES_FILE_BYTES, PASSWORD_FILE_CHECK_MS, USER_LOOKUP_MS } from './limits.ts';
import { readUserNames } from './password-file.ts';

/** The databases of getent(1) that give a name to a number: users and groups. */
type Database = 'passwd' | 'group';

export interface UserNamesOptions {
  /** `group`: the names are those of groups, and numbers are gids. */
  readonly database?: Database;
  /** /etc/passwd or /etc/group. */
  readonly passwordFile?: string;
  /** Lists the system's sources of names; `files` alone means that the file has them all. */
  readonly switchFile?: string;
  /** Asks the system for a name that the file does not have. */
  readonly askSystem?: (id: number) => string | undefined;
  /** Milliseconds on a clock that never steps. */
  readonly now?: () => number;
}

/** Names of users or of groups: from /etc/passwd or /etc/group and the system's other sources (LDAP, sssd). Cached and bounded. */
export class UserNames {
  readonly #options: UserNamesOptions;
  readonly #now: () => number;
  readonly #database: Database;
  #inFile: ReadonlyMap<number, string> = new Map();
  #fileStamp = '';
  #hasOthers = false;
  #checkedAt = -Infinity;
  readonly #asked: AskedNames<number>;

  constructor(options: UserNamesOptions = {}) {
    const { database = 'passwd', now = () => performance.now(), askSystem } = options;
    this.#options = options;
    this.#database = database;
    this.#now = now;
    this.#asked = new AskedNames(askSystem ?? ((id) => askNameService(database, id)), now);
  }

  /** Number of remembered names. */
  get remembered(): number {
    return this.#asked.size;
  }

  /** Returns the name; undefined if there is none or it cannot be found now. */
  of(id: number): string | undefined {
    const now = this.#now();
    if (now - this.#checkedAt >= PASSWORD_FILE_CHECK_MS) this.#refresh(now);
    return this.#inFile.get(id) ?? (this.#hasOthers ? this.#asked.of(id) : undefined);
  }

  #refresh(now: number): void {
    const { passwordFile = `/etc/${this.#database}`, switchFile = '/etc/nsswitch.conf' } = this.#options;
    this.#checkedAt = now;
    const stamp = [passwordFile, switchFile].map(stampOf).join();
    if (stamp === this.#fileStamp) return;
    this.#fileStamp = stamp;
    this.#inFile = readUserNames(passwordFile, this.#database);
    this.#hasOthers = hasOtherSources(this.#database, switchFile);
  }
}

/** Empty where the file cannot be looked at. */
function stampOf(file: string): string {
  let stats: Stats;
  try {
    stats = statSync(file);
  } catch {
    return '';
  }
  return `${stats.ino} ${stats.mtimeMs} ${stats.size}`;
}

const textOf = (file: string): string => readBoundedSync(file, { maxBytes: MAX_NAMES_FILE_BYTES }).toString('utf8');

/**
 * Whether nsswitch.conf(5) names sources other than the file and systemd's generated names. On macOS, that file lists only services;
 * there, users of directories are asked for, and groups of directories have no name.
 */
function hasOtherSources(database: Database, file: string): boolean {
  if (process.platform === 'darwin') return database === 'passwd';
  try {
    const [, sources = ''] = new RegExp(`^${database}:(.*)$`, 'm').exec(textOf(file)) ?? [];
    return sources
      .replace(/\[.*?\]|#.*/g, ' ')
      .split(/\s+/)
      .some((source) => !['', 'files', 'compat', 'systemd'].includes(source));
  } catch {
    // Without that file, the C library reads only /etc/passwd and /etc/group.
    return false;
  }
}

/** Runs a child process, the only way to the C library's name service. macOS has no getent. */
function askNameService(database: Database, id: number): string | undefined {
  const [program, ...args] =
    process.platform === 'darwin' ? ['/usr/bin/id', '-un', String(id)] : ['/usr/bin/getent', database, String(id)];
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
