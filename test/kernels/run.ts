// npm run test:kernels: boots each kernel in QEMU, and runs the tests of the kernel and the whole product inside, with the
// committed probe object and the built helper.
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { resultsFile, type KernelResults } from '../../installers/generated/kernel-results.ts';
import type { LinuxArchitecture } from '../../installers/linux/payload.ts';
import { sha256 } from '../../installers/programs/manifest.ts';
import { progress } from '../../installers/tools/progress.ts';
import { inCheckout, ROOT } from '../../installers/tools/root-folder.ts';
import { run } from '../../installers/tools/run.ts';
import { ensureSystemPackages } from '../../installers/tools/system-packages.ts';
import { avaArguments } from '../run/ava.ts';
import { Tally } from '../run/tally.ts';
import { TapReader } from '../run/tap.ts';
import { compileFixtures, copyCheckout } from './checkout.ts';
import { guestRoot } from './guest-root.ts';
import { kernelImage, type Image } from './image.ts';
import { ARCHITECTURES, kernelNamed, KERNELS, type Kernel } from './kernels.ts';
import { canVirtualise, logFile, MachineError, runInMachine, temporaryFolder, virtiofsd } from './machine.ts';
import { RunResults } from './results.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';
import { withMachines } from './session.ts';
import { missingInTitles } from './titles.ts';

/** A machine that gives no status is started once more: emulation has its own faults. */
const ATTEMPTS = 2;
const MEMORY = '4G';
/** Starting a file of tests takes up to a minute where all is emulated and the host has other work. */
const TIMEOUT_SECONDS = 450;
/** Then the machine is stopped. */
const SILENT_SECONDS = 480;

const HELP = `npm run test:kernels -- [options]

  --arch NAME       of the kernels: ${ARCHITECTURES.join(' or ')} (this machine's)
  --kernel NAME     only this one; may be repeated (all of docs/kernels.md)
  --file FILE       only the tests of this file; may be repeated
  --match PATTERN   only tests whose title fits, with * for any text; may be repeated
  --jobs N          machines at once (1)
  --renew           downloads kernels and systems again
  --document        writes the results into docs/kernels.md
`;

const tally = new Tally();
const results = new RunResults();

function prepare(architecture: LinuxArchitecture): void {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('the machines that boot the kernels are made for Linux on 64-bit x86');
  if (process.getuid?.() !== 0)
    throw new Error('sharing files with the machines takes root: sudo npm run test:kernels');
  let missing = [...ensureSystemPackages('tests'), ...ensureSystemPackages('kernels')];
  if (architecture === 'arm64') missing.push(...ensureSystemPackages('arm64'));
  // Debian 12 has it in QEMU's own packages, later ones in a package of its own.
  if (missing.length === 0 && virtiofsd() === undefined) missing = [...ensureSystemPackages('kernel files')];
  if (missing.length > 0) throw new Error(`these system packages are missing: ${missing.join(', ')}`);
  const target = architecture === process.arch ? [] : ['--target', `linux-${architecture}`];
  run(process.execPath, [inCheckout('scripts/build.ts'), ...target], { stdio: ['ignore', 'pipe', 'inherit'] });
  compileFixtures(architecture);
}

/** A kernel, and the system that it runs. */
interface Guest {
  readonly kernel: Kernel;
  readonly image: Image;
  /** Its root file system; undefined for this machine's own. */
  readonly root: string | undefined;
}

/** The shell script for the guest. */
function guestCommand(scenario: Scenario, architecture: LinuxArchitecture): string {
  const quote = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const patience = canVirtualise(architecture) ? 2 : 8;
  const node =
    architecture === process.arch ? process.execPath : inCheckout(`node_modules/node-linux-${architecture}/bin/node`);
  return `cd ${quote(ROOT)} && export HOME=/root TERM=dumb LANG=C.UTF-8 NO_COLOR=1 PROBES_TEST_PATIENCE=${patience} PROBES_TEST_STORM_PERCENT=5 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
(exec ${[node, ...avaArguments({ ...scenario, serial: true, timeoutSeconds: TIMEOUT_SECONDS })].map(quote).join(' ')})
`;
}

async function runScenario({ kernel, image, root }: Guest, scenario: Scenario, checkout: string): Promise<void> {
  const log = logFile(`${kernel.architecture}-${kernel.name}-${scenario.name.replaceAll(' ', '-')}`);
  const all = SCENARIOS.find(({ name }) => name === scenario.name)?.files ?? [];
  const prefix = (scenario.name === 'tests' ? '' : `${scenario.name} › `) + missingInTitles(scenario.files, all);
  for (let attempt = 1; ; attempt++) {
    rmSync(log, { force: true });
    let [before, count, failed] = [Date.now(), 0, 0];
    const tap = new TapReader((outcome) => {
      const seconds = (Date.now() - before) / 1000;
      before = Date.now();
      count++;
      if (outcome.result === 'failed') failed++;
      results.add(image.release, `${prefix}${outcome.title}`, outcome);
      tally.add(outcome, `${image.release}  ${seconds.toFixed(0).padStart(4)} s  ${prefix}`);
    });
    try {
      const status = await runInMachine({
        image,
        ...(root === undefined ? {} : { root }),
        checkout,
        kernelArguments: scenario.kernelArguments,
        cgroup: scenario.cgroup,
        command: guestCommand(scenario, kernel.architecture),
        memory: MEMORY,
        seconds: scenario.seconds,
        silentSeconds: SILENT_SECONDS,
        onOutput: (text) => {
          appendFileSync(log, text);
          tap.push(text);
        },
        onErrors: (text) => appendFileSync(log, text),
      });
      tap.end();
      if (count === 0 || !tap.complete || (status !== 0 && failed === 0))
        tally.fail(
          `${image.release}, ${scenario.name}`,
          `the tests ended with ${status} ${tap.complete ? 'and no failed test' : 'in the middle'}; see ${path.relative(ROOT, log)}`,
        );
      return;
    } catch (error) {
      if (!(error instanceof MachineError)) throw error;
      tap.end();
      // Tests that have run are not run again: they may be what brought the machine down.
      if (attempt === ATTEMPTS || count > 0) {
        tally.fail(`${image.release}, ${scenario.name}`, error.message);
        return;
      }
      progress(`${image.release}, ${scenario.name}: ${error.message}\n  Starting it once more`);
    }
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      arch: { type: 'string', default: process.arch },
      kernel: { type: 'string', multiple: true },
      match: { type: 'string', multiple: true },
      file: { type: 'string', multiple: true },
      renew: { type: 'boolean', default: false },
      document: { type: 'boolean', default: false },
      jobs: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  const jobs = Number(values.jobs);
  if (!Number.isInteger(jobs) || jobs < 1)
    throw new Error(`--jobs ${values.jobs}: expected how many machines to run at once, 1 or more`);
  const architecture = ARCHITECTURES.find((each) => each === values.arch);
  if (architecture === undefined) throw new Error(`--arch ${values.arch}: expected one of ${ARCHITECTURES.join(', ')}`);
  const kernels =
    values.kernel?.map((name) => kernelNamed(name, architecture)) ??
    KERNELS.filter((kernel) => kernel.architecture === architecture);
  const scenarios = chosen(architecture, values.file, values.match);
  prepare(architecture);

  const work = temporaryFolder();
  const guests = kernels.map((kernel) => ({
    kernel,
    image: kernelImage(kernel, work, values.renew),
    root: guestRoot(kernel, values.renew),
  }));
  const checkout = path.join(work, 'checkout');
  copyCheckout(checkout, architecture);
  const object = sha256(readFileSync(path.join(checkout, 'dist/exec.bpf.o')));
  progress(
    `Probe object ${object.slice(0, 12)}…; ${canVirtualise(architecture) ? 'virtual machines' : 'emulated machines: expect a quarter of an hour for each kernel'}`,
  );
  for (const { image } of guests) results.addKernel(image.release);
  const waiting = [...guests];
  const job = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      for (const scenario of scenarios) {
        progress(`${next.kernel.name}: ${next.image.release}, ${scenario.name}`);
        await runScenario(next, scenario, checkout);
      }
    }
  };
  await Promise.all(Array.from({ length: jobs }, job));
  if (values.document) writeResults(architecture, object, values.file !== undefined || values.match !== undefined);
}

/**
 * The boots of an architecture, with only these files; with patterns for titles, only the first boot, and those tests.
 * @throws {Error} when no boot has a file
 */
function chosen(architecture: LinuxArchitecture, files?: readonly string[], match?: readonly string[]): Scenario[] {
  const own = SCENARIOS.filter((scenario) => (scenario.architecture ?? architecture) === architecture);
  const known = [...new Set(own.flatMap((scenario) => scenario.files))];
  const unknown = files?.find((file) => !known.includes(file));
  if (unknown !== undefined) throw new Error(`--file ${unknown}: expected one of ${known.join(', ')}`);
  const some = own
    .map((scenario) => ({ ...scenario, files: scenario.files.filter((file) => files?.includes(file) ?? true) }))
    .filter((scenario) => scenario.files.length > 0);
  return match === undefined ? some : some.slice(0, 1).map((scenario) => ({ ...scenario, match }));
}

/** Puts the results of this run into the repository, and into the page that shows them. */
function writeResults(architecture: LinuxArchitecture, object: string, isPart: boolean): void {
  const file = inCheckout(resultsFile(architecture));
  const earlier = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as KernelResults) : undefined;
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(file, `${JSON.stringify(results.replaceIn(earlier, date, object, isPart), undefined, 2)}\n`);
  run(process.execPath, [inCheckout('scripts/generate.ts')]);
}

if (!(await withMachines(main))) tally.fail('npm run test:kernels', 'it ended early; the reason is above');
if (!process.argv.includes('--help')) tally.close();
