import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';

import { sha256 } from '../../installers/programs/manifest.ts';
import { run } from '../../installers/tools/run.ts';
import { hasCommand } from '../../installers/tools/system-packages.ts';
import { fetchFromSuite } from './debian-suite.ts';

/** The messages of apt 2.6. */
const EXPIRED =
  'E: Release file for http://mirror/debian/dists/sid/InRelease is expired (invalid since 22d 14h 48min 26s). Updates for this repository will not be applied.';
const TOO_NEW =
  'E: Release file for http://mirror/debian/dists/sid/InRelease is not valid yet (invalid for another 3h 5min 7s). Updates for this repository will not be applied.';
const UNSIGNED = "E: The repository 'http://mirror/debian sid InRelease' is not signed.";

/** A fetch that fails with these messages, one after the other; what settings it got each time. */
function failingWith(...messages: string[]): { settings: string[][]; fetch: (settings: readonly string[]) => string } {
  const settings: string[][] = [];
  const fetch = (got: readonly string[]): string => {
    settings.push([...got]);
    const message = messages.shift();
    if (message !== undefined) throw new Error(`apt-get -qq update: ${message}`);
    return 'fetched';
  };
  return { settings, fetch };
}

test('a Release file whose date has passed switches off the check of that date, and nothing else', (t) => {
  const { settings, fetch } = failingWith(EXPIRED);
  t.is(fetchFromSuite('sid', fetch), 'fetched');
  t.deepEqual(settings, [[], ['Acquire::Check-Valid-Until=false']]);
});

test('one whose date is still to come switches off that check', (t) => {
  const { settings, fetch } = failingWith(TOO_NEW);
  t.is(fetchFromSuite('sid', fetch), 'fetched');
  t.deepEqual(settings, [[], ['Acquire::Check-Date=false']]);
});

test('what fails for another reason fails, before and after; each check is switched off once', (t) => {
  for (const message of [UNSIGNED, 'GPG error: BADSIG', 'is expired', 'Could not resolve the host']) {
    const { settings, fetch } = failingWith(message);
    t.throws(() => fetchFromSuite('sid', fetch), { message: new RegExp(message.slice(0, 10)) });
    t.deepEqual(settings, [[]], message);
  }
  const after = failingWith(EXPIRED, UNSIGNED);
  t.throws(() => fetchFromSuite('sid', after.fetch), { message: /not signed/ });
  const again = failingWith(EXPIRED, EXPIRED);
  t.throws(() => fetchFromSuite('sid', again.fetch), { message: /expired/ });
  t.is(again.settings.length, 2);
});

test('nothing is switched off for the next fetch', (t) => {
  fetchFromSuite('sid', failingWith(EXPIRED).fetch);
  const { settings, fetch } = failingWith();
  fetchFromSuite('sid', fetch);
  t.deepEqual(settings, [[]]);
});

const missing = ['apt-get', 'gpg', 'gpgv'].find((command) => !hasCommand(command));
const aptTest = missing === undefined ? test : test.skip;
const why = missing === undefined ? '' : `[skipped: needs ${missing}] `;

/** A signed suite without packages in a folder, and a function that runs apt-get update for it. */
function signedSuite(t: ExecutionContext): {
  sign: (validUntil: string) => void;
  tamper: () => void;
  update: (settings: readonly string[]) => string;
} {
  const folder = mkdtempSync(path.join(tmpdir(), 'probes-suite-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const at = (...parts: string[]): string => path.join(folder, ...parts);
  for (const each of ['keys', 'dists/test/main/binary-amd64', 'lists/partial', 'cache/archives/partial'])
    mkdirSync(at(each), { recursive: true, mode: 0o700 });
  const gpg = (...args: string[]): string => run('gpg', ['--homedir', at('keys'), '--batch', '--yes', ...args]);
  t.teardown(() => spawnSync('gpgconf', ['--homedir', at('keys'), '--kill', 'all']));
  gpg('--passphrase', '', '--quick-gen-key', 'test <test@localhost>', 'rsa2048', 'sign', 'never');
  gpg('--output', at('keyring.gpg'), '--export');
  writeFileSync(at('sources.list'), `deb [signed-by=${at('keyring.gpg')}] file://${folder} test main\n`);
  writeFileSync(
    at('apt.conf'),
    // Without this machine's own settings, which may switch the checks off already.
    `Dir::Etc::Main "/dev/null"; Dir::Etc::Parts "/dev/null"; Dir::Etc::SourceList "${at('sources.list')}"; Dir::Etc::SourceParts "/dev/null"; Dir::State "${folder}";
Dir::State::status "/dev/null"; Dir::Cache "${at('cache')}"; APT::Sandbox::User "root"; APT::Architecture "amd64"; Acquire::Languages "none";
`,
  );
  writeFileSync(at('dists/test/main/binary-amd64/Packages'), '');
  return {
    sign(validUntil) {
      const text = `Suite: test\nCodename: test\nComponents: main\nArchitectures: amd64\nDate: Sat, 01 Jan 2022 00:00:00 UTC\nValid-Until: ${validUntil}\nSHA256:\n ${sha256('')} 0 main/binary-amd64/Packages\n`;
      writeFileSync(at('dists/test/Release'), text);
      gpg('--clearsign', '--output', at('dists/test/InRelease'), at('dists/test/Release'));
    },
    tamper() {
      run('sed', ['-i', 's/^Origin.*//; s/^Components: main/Components: evil main/', at('dists/test/InRelease')]);
    },
    update(settings) {
      const options = settings.flatMap((setting) => ['-o', setting]);
      return run('apt-get', ['-qq', ...options, 'update', '--error-on=any'], {
        env: { ...process.env, APT_CONFIG: at('apt.conf'), LC_ALL: 'C' },
      });
    },
  };
}

aptTest(`${why}apt itself takes an expired suite then, and refuses one whose signature is wrong`, (t) => {
  const { sign, tamper, update } = signedSuite(t);
  sign('Sun, 02 Jan 2022 00:00:00 UTC');
  t.throws(() => update([]), { message: /is expired/ });
  t.notThrows(() => fetchFromSuite('test', update));
  tamper();
  const refused = t.throws(() => fetchFromSuite('test', update));
  t.notRegex(refused?.message ?? '', /is expired/);
  t.regex(refused?.message ?? '', /BADSIG|signature/i);
  t.throws(() => update(['Acquire::Check-Valid-Until=false']), { message: /BADSIG|signature/i });
});
