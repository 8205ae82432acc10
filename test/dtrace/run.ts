// npm run test:dtrace [-- --renew]: boots a kernel in QEMU with a root file system that has dtrace, and runs
// dtrace/exec.d there while programs with hostile names and arguments are executed. What the helper makes of its output
// has to be what was executed.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import type { SeenProcess } from '../../helper/macos/child/decoder.ts';
import { progress } from '../../installers/tools/progress.ts';
import { inCheckout, ROOT } from '../../installers/tools/root-folder.ts';
import { ensureSystemPackages } from '../../installers/tools/system-packages.ts';
import { kernelImage, type Image } from '../kernels/image.ts';
import { kernelNamed } from '../kernels/kernels.ts';
import { logFile, runInMachine, temporaryFolder, virtiofsd } from '../kernels/machine.ts';
import { withMachines } from '../kernels/session.ts';
import { Tally } from '../run/tally.ts';
import { linuxScript } from './linux-script.ts';
import { dtraceRoot } from './root.ts';
import { decode, type Found } from './support.ts';
import { CUT, HOSTILE, STORM, workloadScript, type Run } from './workload.ts';

const KERNEL = '6.12';
const SECONDS = 900;

const tally = new Tally();

function check(title: string, holds: boolean, details = ''): void {
  const wrong = holds || details === '' ? [] : [`  ${details}`];
  tally.add({ title, result: holds ? 'passed' : 'failed', details: wrong });
}

function prepare(): void {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('the kernel is for 64-bit x86 and runs on Linux');
  if (process.getuid?.() !== 0) throw new Error('sharing files with the machine takes root: sudo npm run test:dtrace');
  let missing = [...ensureSystemPackages('kernels'), ...ensureSystemPackages('dtrace')];
  if (missing.length === 0 && virtiofsd() === undefined) missing = [...ensureSystemPackages('kernel files')];
  if (missing.length > 0) throw new Error(`these system packages are missing: ${missing.join(', ')}`);
}

/** Runs a script under dtrace while the workload runs, and gives what it printed. */
async function trace(image: Image, root: string, name: string, script: string, workload: string): Promise<Buffer> {
  const shown = path.join(temporaryFolder(), 'shown');
  mkdirSync(shown);
  writeFileSync(path.join(shown, 'exec.d'), script);
  writeFileSync(path.join(shown, 'workload.sh'), workload);
  let [output, errors] = ['', ''];
  const status = await runInMachine({
    image,
    root,
    checkout: shown,
    kernelArguments: '',
    cgroup: 'v2',
    command: `cd ${ROOT}; PATH=/usr/sbin:/usr/bin; export PATH
mount -t debugfs debugfs /sys/kernel/debug
dtrace -s exec.d 1 -c 'bash workload.sh' >/run/output; status=$?; base64 /run/output; (exit $status)
`,
    memory: '2G',
    seconds: SECONDS,
    silentSeconds: SECONDS,
    onOutput: (text) => (output += text),
    onErrors: (text) => (errors += text),
  });
  const printed = Buffer.from(output, 'base64');
  writeFileSync(logFile(`dtrace-${name}`), Buffer.concat([printed, Buffer.from(`\n${errors}`)]));
  if (status !== 0) throw new Error(`dtrace ended with ${status}: ${errors.trim()}`);
  return printed;
}

/** The bytes of an argument, or of the path. */
const bytesOf = (seen: SeenProcess, field: string, text: string): Buffer =>
  seen.raw?.[field] === undefined ? Buffer.from(text) : Buffer.from(seen.raw[field], 'base64');

function isToldOf({ path: asked, args, name, uid = 0, error }: Run, seen: SeenProcess): boolean {
  if (!bytesOf(seen, 'filename', seen.filename).equals(Buffer.from(asked)) || seen.uid !== uid) return false;
  if (error !== undefined) return seen.type === 'exec_failed' && seen.error === error;
  const argv = [name ?? Buffer.from(asked), ...args];
  return (
    seen.type === 'exec' &&
    seen.argv?.length === argv.length &&
    argv.every((arg, i) => bytesOf(seen, `argv[${i}]`, seen.argv?.[i] ?? '').equals(arg)) &&
    seen.argv_truncated !== true
  );
}

const stormOf = (found: Found): string[] =>
  found.processes.flatMap(({ argv }) => argv?.filter((arg) => arg.startsWith('storm-')) ?? []);

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { renew: { type: 'boolean', default: false } } });
  prepare();
  const image = kernelImage(kernelNamed(KERNEL), temporaryFolder(), false);
  const root = dtraceRoot(values.renew);
  const script = linuxScript(readFileSync(inCheckout('dtrace/exec.d'), 'utf8'));

  progress(`Linux ${image.release}: hostile arguments, and ${STORM} execs`);
  const { found, decoder } = decode(
    await trace(image, root, 'hostile', script, workloadScript([...HOSTILE, ...CUT], STORM)),
  );
  for (const run of HOSTILE) {
    const text = JSON.stringify([run.path, ...run.args.map((arg) => arg.toString('latin1'))].join(' ')).slice(0, 60);
    check(
      `${run.error ?? 'exec'} of ${text}`,
      found.processes.some((seen) => isToldOf(run, seen)),
    );
  }
  const [long, many] = CUT.map(({ args }) =>
    found.processes.find(
      ({ argv, argv_truncated: cut }) => cut === true && argv?.[1] === args[0]?.toString().slice(0, 1023),
    ),
  );
  check('a long argument is cut at 1,023 bytes, and marked', long?.argv?.[2] === 'last');
  check('of 201 arguments the first 64 are told, and marked', many?.argv?.length === 64);
  check(
    `all of ${STORM} execs in their order`,
    stormOf(found).join() === Array.from({ length: STORM }, (_, i) => `storm-${i + 1}`).join(),
  );
  check(
    'nothing missed, nothing unreadable',
    decoder.missed === 0 && decoder.unreadable === 0,
    `${decoder.missed} missed, ${decoder.unreadable} unreadable`,
  );

  progress('The same with buffers that are too small');
  const tight = script.replace('bufsize=4m', 'bufsize=16k').replace('switchrate=10hz', 'switchrate=1sec');
  const small = decode(await trace(image, root, 'small-buffers', tight, workloadScript([...HOSTILE, ...CUT], STORM)));
  const lost = small.found.all
    .filter((one) => typeof one === 'string')
    .reduce((sum, one) => sum + Number(one.split(' ')[0]), 0);
  check('execs were dropped', lost > 0 && stormOf(small.found).length < STORM, `${lost} dropped`);
  check(
    'each is told or counted as lost',
    small.found.processes.length + lost === small.decoder.counted && small.decoder.counted === decoder.counted,
    `${small.found.processes.length} told, ${lost} lost, ${decoder.counted} were executed`,
  );
}

if (!(await withMachines(main))) tally.fail('npm run test:dtrace', 'it ended early; the reason is above');
tally.close();
