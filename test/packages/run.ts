// npm run test:packages [-- --suite NAME… --scenario NAME… --renew]: boots a plain Debian with systemd in QEMU, installs the packages from
// a signed repository, and does there what administrators and faults do. --renew makes the root file systems again.
import { appendFileSync, chmodSync, cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { VERSION } from '../../shared/version.ts';
import { debName, makeDeb } from '../../installers/linux/deb.ts';
import { packageVersion } from '../../installers/linux/identity.ts';
import { linuxPayload } from '../../installers/linux/payload.ts';
import { updateRepository } from '../../installers/repository/repository.ts';
import { messageOf, progress } from '../../installers/tools/progress.ts';
import { inCheckout, ROOT } from '../../installers/tools/root-folder.ts';
import { sourceDate } from '../../installers/tools/source-date.ts';
import { needSystemPackages } from '../../installers/tools/system-packages.ts';
import { debianRoot } from '../kernels/debian-root.ts';
import { kernelImage } from '../kernels/image.ts';
import { cloudKernel } from '../kernels/kernels.ts';
import { logFile, runInMachine, temporaryFolder, virtiofsd } from '../kernels/machine.ts';
import { withMachines } from '../kernels/session.ts';
import { Tally } from '../run/tally.ts';
import type { Facts } from './facts.ts';
import { TapReader } from '../run/tap.ts';
import { fixture } from '../support/fixtures.ts';
import { tableOf } from '../support/markdown.ts';
import { makeGpgKey } from '../support/gpg-key.ts';

const SUITES = ['bookworm', 'trixie'];
/** Of a plain Debian with systemd; libbpf1 and the libraries are what the package depends on, since guests have no network. */
const PACKAGES = ['systemd', 'systemd-sysv', 'dbus', 'libbpf1', 'libgcc-s1', 'libstdc++6', 'kmod', 'procps'];
/** Each runs in a guest of its own, on a Debian with further packages. `ansible` runs only when it is asked for. */
const SCENARIOS: Readonly<Record<string, { readonly purpose: string; readonly packages: readonly string[] }>> = {
  install: { purpose: 'systemd', packages: PACKAGES },
  ansible: { purpose: 'systemd-ansible', packages: [...PACKAGES, 'ansible-core', 'python3-apt'] },
};
/** Where guests see their folder: not below /tmp, on which systemd mounts a file system. */
const AT = '/srv/guest';
const SECONDS = 3600;
const SILENT_SECONDS = 900;

const tally = new Tally();

function prepare(): void {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('the guests are for 64-bit x86 and run on Linux');
  if (process.getuid?.() !== 0) throw new Error('sharing files with the guests takes root: sudo npm run test:packages');
  for (const purpose of ['packages', 'kernels', 'guests'] as const) needSystemPackages(purpose);
  if (virtiofsd() === undefined) needSystemPackages('kernel files');
}

/** The version that is the next one, for an upgrade. */
function nextVersion(version: string): string {
  const [major = '0', minor = '0', patch = '0'] = version.replace(/-.*$/u, '').split('.');
  return `${major}.${minor}.${Number(patch) + 1}`;
}

/** The statements of docs/services.md: the drop-ins, and what systemd finds with each and without. */
function facts(): Pick<Facts, 'units' | 'dropIns'> {
  const page = readFileSync(inCheckout('docs/services.md'), 'utf8');
  const rows = tableOf(page, 'Exposure').map((row) => ({
    unit: (row['unit'] ?? '').replaceAll('`', ''),
    dropIn: /^\[(?<name>[^\]]+)\]/u.exec(row['with'] ?? '')?.groups?.['name'],
    exposure: Number(row['exposure']),
  }));
  const dropIns = [...page.matchAll(/^### (.+)\n\n`([\w-]+\.service)`[^#]*?\n```ini\n([^`]+)```/gmu)].map(
    ([, title = '', unit = '', text = '']) => {
      const exposure = rows.find(({ dropIn }) => dropIn === title)?.exposure;
      return { title, unit, text, ...(exposure === undefined ? {} : { exposure }) };
    },
  );
  return { units: rows.filter(({ dropIn }) => dropIn === undefined), dropIns };
}

/** Puts what a guest needs into a folder, which it sees in place of the checkout. */
async function fillFolder(folder: string): Promise<void> {
  mkdirSync(folder);
  const payload = await linuxPayload('x64');
  const versions = [VERSION, nextVersion(VERSION)];
  const packages = path.join(folder, 'packages');
  mkdirSync(packages);
  for (const version of versions)
    makeDeb(
      { architecture: 'x64', version, payload, epoch: sourceDate() },
      path.join(packages, debName('x64', version)),
      folder,
    );
  const key = path.join(temporaryFolder(), 'key.asc');
  const passwordFile = `${key}.password`;
  writeFileSync(passwordFile, 'a password\n');
  writeFileSync(key, makeGpgKey('a password\n'));
  updateRepository(path.join(folder, 'repository'), packages, { key, passwordFile });
  rmSync(packages, { recursive: true });
  const [older, newer] = versions.map((version) => packageVersion(version));
  writeFileSync(path.join(folder, 'facts.json'), JSON.stringify({ older, newer, ...facts() }));
  for (const name of ['exec-storm', 'no-op']) {
    cpSync(fixture(name), path.join(folder, name));
    chmodSync(path.join(folder, name), 0o755);
  }
  cpSync(process.execPath, path.join(folder, 'node'));
  cpSync(inCheckout('installers/ansible'), path.join(folder, 'ansible'), { recursive: true });
  for (const file of globSync('test/packages/*.ts', { cwd: ROOT }))
    cpSync(inCheckout(file), path.join(folder, path.basename(file)));
  // Node.js takes the types out of the files by itself, where they are modules.
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }\n');
}

async function runScenario(scenario: string, suite: string, checkout: string, renew: boolean): Promise<void> {
  const image = kernelImage(cloudKernel(suite, suite), temporaryFolder(), renew);
  const root = debianRoot({ suite, ...SCENARIOS[scenario]! }, renew);
  progress(`${scenario}: Debian ${suite}, Linux ${image.release}`);
  const log = logFile(`packages-${scenario}-${suite}`);
  rmSync(log, { force: true });
  const tap = new TapReader((outcome) => tally.add(outcome, `${suite} › ${scenario} › `));
  try {
    const code = await runInMachine({
      image,
      root,
      checkout,
      checkoutAt: AT,
      kernelArguments: '',
      cgroup: 'v2',
      init: '/sbin/init',
      command: `cd ${AT} && ./node ${scenario}.packages.ts ${AT}\n`,
      memory: '4G',
      seconds: SECONDS,
      silentSeconds: SILENT_SECONDS,
      onOutput(text) {
        appendFileSync(log, text);
        tap.push(text);
      },
      onErrors: (text) => appendFileSync(log, text),
    });
    tap.end();
    if (!tap.complete) tally.fail(suite, `the scenario ended early, with ${code}: see ${path.relative(ROOT, log)}`);
  } catch (error) {
    tap.end();
    tally.fail(suite, messageOf(error));
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      suite: { type: 'string', multiple: true },
      scenario: { type: 'string', multiple: true },
      renew: { type: 'boolean', default: false },
    },
  });
  const names = Object.keys(SCENARIOS);
  const odd = values.scenario?.find((name) => !names.includes(name));
  if (odd !== undefined) throw new Error(`--scenario ${odd}: expected one of ${names.join(', ')}`);
  const unknown = values.suite?.find((suite) => !SUITES.includes(suite));
  if (unknown !== undefined) throw new Error(`--suite ${unknown}: expected one of ${SUITES.join(', ')}`);
  prepare();
  const checkout = path.join(temporaryFolder(), 'checkout');
  await fillFolder(checkout);
  for (const suite of SUITES.filter((name) => values.suite?.includes(name) ?? true))
    for (const scenario of values.scenario ?? ['install']) await runScenario(scenario, suite, checkout, values.renew);
}

if (!(await withMachines(main))) tally.fail('npm run test:packages', 'it ended early; the reason is above');
tally.close();
