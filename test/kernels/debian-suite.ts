import { progress } from '../../installers/tools/progress.ts';
import { run } from '../../installers/tools/run.ts';

/** apt's settings for a fetch, as `NAME=VALUE`. */
type Settings = readonly string[];

/**
 * What apt says when the date of a suite's Release file is wrong, and the setting that switches that check off
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
    throw new Error("none of this machine's apt sources is a Debian mirror; kernels and dtrace come from one");
  return found;
}
