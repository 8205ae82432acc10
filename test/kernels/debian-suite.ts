import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { DEBIAN_NAMES } from '../../installers/image/debian-packages.ts';
import type { LinuxArchitecture } from '../../installers/linux/payload.ts';
import { messageOf, progress } from '../../installers/tools/progress.ts';
import { run } from '../../installers/tools/run.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** apt's settings for a fetch, as `NAME=VALUE`. */
type Settings = readonly string[];

/**
 * Messages of apt when the date of a suite's Release file is wrong, and the setting that switches that check off
 * (apt.conf(5)). Release files are signed; both settings leave the signature checked.
 */
const DATE_CHECKS = [
  { said: /\bE: Release file for \S+ is expired\b.*$/mu, setting: 'Acquire::Check-Valid-Until=false' },
  { said: /\bE: Release file for \S+ is not valid yet\b.*$/mu, setting: 'Acquire::Check-Date=false' },
] as const;

/**
 * Fetches from a Debian suite. Mirrors that are frozen, and suites that are old, have a Release file whose date has
 * passed. Then this says so and fetches once more, with the check of that date switched off and nothing else.
 * @param fetch runs apt, or a program that runs it, with these settings besides its own. It throws an error with what
 *   that printed on standard error
 */
export function fetchFromSuite<T>(suite: string, fetch: (settings: Settings) => T): T {
  const settings: string[] = [];
  for (;;) {
    try {
      return fetch(settings);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      const failed = DATE_CHECKS.find(({ said, setting }) => said.test(text) && !settings.includes(setting));
      if (failed === undefined) throw error;
      settings.push(failed.setting);
      progress(
        `Debian ${suite}: ${failed.said.exec(text)?.[0].replace(/^E: /u, '')}\n` +
          `  Going on with ${failed.setting} for this fetch alone. Signatures are still checked.`,
      );
    }
  }
}

/** Where this machine gets its own Debian packages from. */
export function mirror(): string {
  const targets = run('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages']).split('\n');
  const found = targets.find((uri) => /\/debian\/?$/u.test(uri));
  if (found === undefined)
    throw new Error("none of this machine's apt sources is a Debian mirror; packages of other suites come from one");
  return found;
}

/** apt with the packages of a suite, and none of this machine's. */
interface SuiteApt {
  /** Where `download` puts packages. */
  readonly packages: string;
  /** Runs a program of apt. @returns what it printed */
  readonly apt: (program: string, ...args: string[]) => string;
  /** Downloads a package, without those that it needs. @returns why that failed */
  readonly download: (name: string) => string | undefined;
  /** Downloads the files of a source package, as they are. @returns why that failed */
  readonly downloadSource: (name: string) => string | undefined;
}

interface Lists {
  /** Of packages, and of source packages too where `downloadSource` is used. */
  readonly lists?: ReadonlyArray<'deb' | 'deb-src'>;
  /** Of which machines; 64-bit x86 by default. */
  readonly architecture?: LinuxArchitecture;
}

/**
 * Has apt fetch the list of a suite's packages. This machine's package lists, and its architectures, stay as they are.
 * @param folder for all files of it
 */
export function aptOf(suite: string, folder: string, { lists = ['deb'], architecture = 'x64' }: Lists = {}): SuiteApt {
  const packages = path.join(folder, 'packages');
  for (const part of ['lists/partial', 'cache/archives/partial', 'packages'])
    mkdirSync(path.join(folder, part), { recursive: true });
  const sources = path.join(folder, 'sources.list');
  writeFileSync(sources, lists.map((list) => `${list} [signed-by=${KEYRING}] ${mirror()} ${suite} main\n`).join(''));
  const settings = path.join(folder, 'apt.conf');
  writeFileSync(
    settings,
    `Dir::Etc::SourceList "${sources}"; Dir::Etc::SourceParts "/dev/null"; Dir::Etc::Preferences "/dev/null"; Dir::Etc::PreferencesParts "/dev/null";
Dir::State "${folder}"; Dir::State::status "/dev/null"; Dir::Cache "${folder}/cache";
APT::Sandbox::User "root"; APT::Architecture "${DEBIAN_NAMES[architecture]}"; APT::Architectures "${DEBIAN_NAMES[architecture]}"; Acquire::Languages "none"; Acquire::Retries "3";
`,
  );
  // In English, so that fetchFromSuite recognises what apt says.
  const env = { ...process.env, APT_CONFIG: settings, LC_ALL: 'C' };
  const apt = (program: string, ...args: string[]): string => run(program, args, { cwd: packages, env });
  fetchFromSuite(suite, (options) => apt('apt-get', '-qq', ...options.flatMap((each) => ['-o', each]), 'update'));
  const attempt = (...args: string[]): string | undefined => {
    try {
      apt('apt-get', '-qq', ...args);
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  };
  return {
    packages,
    apt,
    download: (name) => attempt('download', name),
    downloadSource: (name) => attempt('source', '--download-only', name),
  };
}
