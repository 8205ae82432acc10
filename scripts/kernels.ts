// npm run test:kernels [-- --kernel NAME… --document]: boots each kernel in QEMU, and
// runs the tests of the kernel and the whole product inside, with the committed probe
// object and the built helper. --match runs only tests whose title fits (AVA's patterns).
// --renew downloads the kernels again. --jobs N runs N machines at once.
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { sha256 } from './build/manifest.ts';
import { compileFixtures, copyCheckout } from './kernels/checkout.ts';
import { writeResults } from './kernels/document.ts';
import { kernelImage, type Image } from './kernels/download.ts';
import { KERNELS, type Kernel } from './kernels/kernels.ts';
import { canVirtualise, logFile, MachineError, runInMachine, temporaryFolder, virtiofsd } from './kernels/machine.ts';
import { Matrix } from './kernels/matrix.ts';
import { run } from './kernels/run.ts';
import { SCENARIOS, type Scenario } from './kernels/scenarios.ts';
import { withMachines } from './kernels/session.ts';
import { TapReader } from './kernels/tap.ts';
import { complain, progress } from './progress.ts';
import { inCheckout, ROOT } from './root-folder.ts';
import { ensureSystemPackages } from './system-packages.ts';

/** A machine that gives no status is started once more: emulation has its own faults. */
const ATTEMPTS = 2;
const MEMORY = '4G';
/** Starting a file of tests takes up to a minute where all is emulated and the host has other work. */
const SILENT_SECONDS = 480;

const matrix = new Matrix();
/** What went wrong besides tests. */
let broken = 0;

function prepare(): void {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('the kernels are for 64-bit x86 and run on Linux');
  if (process.getuid?.() !== 0)
    throw new Error('sharing files with the machines takes root: sudo npm run test:kernels');
  let missing = [...ensureSystemPackages('tests'), ...ensureSystemPackages('kernels')];
  // Debian 12 has it in QEMU's own packages, later ones in a package of its own.
  if (missing.length === 0 && virtiofsd() === undefined) missing = [...ensureSystemPackages('kernel files')];
  if (missing.length > 0) throw new Error(`these system packages are missing: ${missing.join(', ')}`);
  run(process.execPath, [inCheckout('scripts/build.ts')], { stdio: ['ignore', 'pipe', 'inherit'] });
  compileFixtures();
}

/** The shell script for the guest. */
function guestCommand(scenario: Scenario): string {
  const quote = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const options = [
    '--config',
    'scripts/kernels/ava.ts',
    '--tap',
    '--concurrency',
    '1',
    ...scenario.match.flatMap((pattern) => ['--match', pattern]),
  ];
  const patience = canVirtualise() ? 2 : 8;
  return `cd ${quote(ROOT)} && export HOME=/root TERM=dumb LANG=C.UTF-8 NO_COLOR=1 PROBES_TEST_PATIENCE=${patience} PROBES_TEST_STORM_PERCENT=5 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
(exec ${[process.execPath, 'node_modules/ava/entrypoints/cli.js', ...options, ...scenario.files].map(quote).join(' ')})
`;
}

async function runScenario(kernel: Kernel, image: Image, scenario: Scenario, checkout: string): Promise<void> {
  const log = logFile(`${kernel.name}-${scenario.name.replaceAll(' ', '-')}`);
  const prefix = scenario.name === 'tests' ? '' : `${scenario.name} › `;
  for (let attempt = 1; ; attempt++) {
    rmSync(log, { force: true });
    let [before, count, failed] = [Date.now(), 0, 0];
    const tap = new TapReader(({ title, result, details }) => {
      const seconds = (Date.now() - before) / 1000;
      before = Date.now();
      count++;
      if (result === 'failed') failed++;
      matrix.add(image.release, `${prefix}${title}`, result);
      process.stdout.write(
        `${image.release}  ${result.padEnd(7)} ${seconds.toFixed(0).padStart(4)} s  ${prefix}${title}\n`,
      );
      if (result === 'failed') process.stdout.write(`${details.join('\n')}\n`);
    });
    try {
      const status = await runInMachine({
        image,
        checkout,
        kernelArguments: scenario.kernelArguments,
        cgroup: scenario.cgroup,
        command: guestCommand(scenario),
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
      if (count === 0 || !tap.complete || (status !== 0 && failed === 0)) {
        broken++;
        complain(
          `${image.release}, ${scenario.name}: the tests ended with ${status} ${tap.complete ? 'and no failed test' : 'in the middle'}; see ${path.relative(ROOT, log)}`,
        );
      }
      return;
    } catch (error) {
      if (!(error instanceof MachineError)) throw error;
      tap.end();
      // Tests that have run are not run again: they may be what brought the machine down.
      if (attempt === ATTEMPTS || count > 0) {
        broken++;
        complain(`${image.release}, ${scenario.name}: ${error.message}`);
        return;
      }
      progress(`${image.release}, ${scenario.name}: ${error.message}\n  Starting it once more`);
    }
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kernel: { type: 'string', multiple: true },
      match: { type: 'string', multiple: true },
      renew: { type: 'boolean', default: false },
      document: { type: 'boolean', default: false },
      jobs: { type: 'string', default: '1' },
    },
  });
  const jobs = Number(values.jobs);
  if (!Number.isInteger(jobs) || jobs < 1)
    throw new Error(`--jobs ${values.jobs}: expected how many machines to run at once, 1 or more`);
  const unknown = values.kernel?.find((name) => !KERNELS.some((kernel) => kernel.name === name));
  if (unknown !== undefined)
    throw new Error(`--kernel ${unknown}: expected one of ${KERNELS.map(({ name }) => name).join(', ')}`);
  const kernels = KERNELS.filter(({ name }) => values.kernel?.includes(name) ?? true);
  const scenarios =
    values.match === undefined
      ? SCENARIOS
      : SCENARIOS.slice(0, 1).map((scenario) => ({ ...scenario, match: values.match ?? [] }));
  prepare();

  const work = temporaryFolder();
  const images = kernels.map((kernel) => [kernel, kernelImage(kernel, work, values.renew)] as const);
  const checkout = path.join(work, 'checkout');
  copyCheckout(checkout);
  const object = sha256(readFileSync(path.join(checkout, 'dist/exec.bpf.o')));
  progress(
    `Probe object ${object.slice(0, 12)}…; ${canVirtualise() ? 'virtual machines' : 'emulated machines: expect a quarter of an hour for each kernel'}`,
  );
  for (const [, image] of images) matrix.addKernel(image.release);
  const waiting = [...images];
  const job = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [kernel, image] = next;
      for (const scenario of scenarios) {
        progress(`${kernel.name}: ${image.release}, ${scenario.name}`);
        await runScenario(kernel, image, scenario, checkout);
      }
    }
  };
  await Promise.all(Array.from({ length: jobs }, job));
  process.stdout.write(`\n${matrix.toString()}\n`);
  if (values.document)
    writeFileSync(
      inCheckout('docs/kernels.md'),
      writeResults(readFileSync(inCheckout('docs/kernels.md'), 'utf8'), matrix, object),
    );
}

if (!(await withMachines(main))) broken++;
const [passed, failed, skipped] = [matrix.count('passed'), matrix.count('failed') + broken, matrix.count('skipped')];
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
