// Pins the Debian packages of the OCI image: the newest versions of the suite and of its security updates.
// --allow-expired takes lists whose date has passed, as those of frozen mirrors; apt checks their signatures in any case.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { BASE_PACKAGES } from '../installers/image/base.ts';
import {
  DEBIAN_NAMES,
  LOCK_FILE,
  mirrorsOf,
  type DebianLock,
  type LockedPackage,
} from '../installers/image/debian-packages.ts';
import { complain, messageOf, progress } from '../installers/tools/progress.ts';
import { run } from '../installers/tools/run.ts';

const SUITE = 'trixie';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

const { values } = parseArgs({ options: { 'allow-expired': { type: 'boolean', default: false } } });

/** Asks apt for the newest versions, with lists of its own. @param architecture by Debian's name */
function newest(architecture: string, work: string): LockedPackage[] {
  const folder = path.join(work, architecture);
  mkdirSync(path.join(folder, 'lists/partial'), { recursive: true });
  const sources = path.join(folder, 'sources.list');
  const lines = [
    ['debian', SUITE],
    ['debian-security', `${SUITE}-security`],
  ].map(([archive = '', suite]) => `deb [signed-by=${KEYRING}] ${mirrorsOf(archive)[0]} ${suite} main\n`);
  writeFileSync(sources, lines.join(''));
  const settings = path.join(folder, 'apt.conf');
  writeFileSync(
    settings,
    `Dir::Etc::SourceList "${sources}"; Dir::Etc::SourceParts "/dev/null"; Dir::Etc::Preferences "/dev/null"; Dir::Etc::PreferencesParts "/dev/null";
Dir::State "${folder}"; Dir::State::status "/dev/null"; Dir::Cache "${folder}/cache"; Acquire::Languages "none";
APT::Sandbox::User "root"; APT::Architecture "${architecture}"; APT::Architectures "${architecture}";
`,
  );
  const env = { ...process.env, APT_CONFIG: settings, LC_ALL: 'C' };
  const dates = values['allow-expired'] ? ['-o', 'Acquire::Check-Valid-Until=false'] : [];
  run('apt-get', ['-qq', '-o', 'APT::Update::Error-Mode=any', ...dates, 'update'], { env });
  return Object.keys(BASE_PACKAGES).map((name) => {
    const candidate = /Candidate: (\S+)/u.exec(run('apt-cache', ['policy', name], { env }))?.[1] ?? '';
    const record = run('apt-cache', ['show', '--no-all-versions', `${name}=${candidate}`], { env });
    const field = (key: string): string => new RegExp(`^${key}: (.*)$`, 'mu').exec(record)?.[1] ?? '';
    const uri = run('apt-get', ['download', '--print-uris', `${name}=${candidate}`], { env });
    const archive = /\/(debian|debian-security)\/pool\//u.exec(uri)?.[1];
    if (archive === undefined) throw new Error(`${name}: cannot tell where it comes from: ${uri}`);
    return { name, version: field('Version'), archive, filename: field('Filename'), sha256: field('SHA256') };
  });
}

const work = mkdtempSync(path.join(tmpdir(), 'platform-probes-renew-'));
try {
  const packages = Object.values(DEBIAN_NAMES).map((name): [string, LockedPackage[]] => [name, newest(name, work)]);
  const lock: DebianLock = { suite: SUITE, packages: Object.fromEntries(packages) };
  writeFileSync(LOCK_FILE, `${JSON.stringify(lock, undefined, 2)}\n`);
  progress(`${path.basename(LOCK_FILE)} is written; make the image, run its tests, and commit the file`);
} catch (error) {
  complain(messageOf(error));
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}
