import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';

import { imphash } from '../../agent/enrichment/imphash.ts';
import { readVersionInfo } from '../../agent/enrichment/pe-version.ts';
import * as layout from '../../helper/windows/etw/layout.ts';
import { buildMsi } from '../../installers/windows/msi.ts';
import { windowsTarget } from '../../installers/programs/programs.ts';
import { makeRelease } from '../../installers/programs/release.ts';
import { VERSION } from '../../shared/version.ts';
import { IMPORT_HASH } from '../agent/support/importing-programs.ts';
import { buildImportingProgram } from './support/importing-program.ts';
import { WindowsMachine } from './support/machine.ts';
import { compile } from './support/release.ts';

const release = await makeRelease(windowsTarget(), { force: false });
const machine = await WindowsMachine.start();
test.after.always(async () => machine[Symbol.asyncDispose]());
cpSync(release, path.join(machine.share, 'release'), { recursive: true });

test.serial('the structures of event tracing lie as a compiler for Windows lays them', async (t) => {
  compile('etw-layout.c', path.join(machine.share, 'layout.exe'));
  const { code } = await machine.run(machine.windowsPath('layout.exe'));
  t.is(code, 0);
  const {
    EVENT_TRACE_PROPERTIES,
    EVENT_TRACE_LOGFILE,
    EVENT_RECORD,
    ENABLE_TRACE_PARAMETERS,
    EVENT_FILTER_DESCRIPTOR,
  } = layout;
  t.deepEqual(JSON.parse(readFileSync(path.join(machine.share, 'layout.json'), 'utf8')), {
    EVENT_TRACE_PROPERTIES,
    EVENT_TRACE_LOGFILE,
    EVENT_RECORD,
    ENABLE_TRACE_PARAMETERS,
    EVENT_FILTER_DESCRIPTOR,
  });
});

test.serial('both programs of the release run and name their version', async (t) => {
  for (const program of ['probes-helper.exe', 'probes-agent.exe']) {
    const { code, output } = await machine.run(machine.windowsPath('release', program), ['--version']);
    t.is(code, 0);
    t.true(output.includes(VERSION), output);
  }
});

test.serial('files that others than the system and its administrators can change are refused', async (t) => {
  // All files of a Wine machine belong to its one user, whom the product does not trust.
  const { code, output } = await machine.run(machine.windowsPath('release', 'probes-helper.exe'), ['run']);
  t.is(code, 4);
  t.regex(output, /HELPER_UNSAFE_FILE: S-1-5-21-.* can change .*probes-helper\.exe/);
});

test.serial('a flag of another system, and the service flag in a console, are refused with what to do', async (t) => {
  const helper = machine.windowsPath('release', 'probes-helper.exe');
  t.is((await machine.run(helper, ['run', '--pin'])).code, 14);
  const { code, output } = await machine.run(helper, ['run', '--service']);
  t.is(code, 2, output);
});

test.serial('the version resource of a real program is read', (t) => {
  const bytes = readFileSync(path.join(release, 'probes-helper.exe'));
  t.like(
    readVersionInfo((offset, length) => bytes.subarray(offset, offset + length)),
    { originalFileName: 'node.exe', product: 'Node.js', company: 'Node.js' },
  );
});

test.serial('programs that a linker for Windows makes have the import hash that pefile finds', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'platform-probes-imports-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const bits of [32, 64] as const) {
    const bytes = readFileSync(buildImportingProgram(folder, bits));
    t.is(
      imphash((offset, length) => bytes.subarray(offset, offset + length)),
      IMPORT_HASH,
    );
  }
});

test.serial('given a certificate, programs and installer are signed with it', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'platform-probes-signing-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string): string => path.join(folder, name);
  const run = (command: string, ...args: string[]): string => {
    const result = spawnSync(command, args, { encoding: 'utf8' });
    return `${result.stdout}${result.stderr}`;
  };
  run(
    'openssl',
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=Signer of this test',
    '-keyout',
    file('key'),
    '-out',
    file('certificate'),
  );
  writeFileSync(file('password'), 'secret\n');
  run(
    'openssl',
    'pkcs12',
    '-export',
    '-inkey',
    file('key'),
    '-in',
    file('certificate'),
    '-out',
    file('both'),
    '-passout',
    'pass:secret',
  );
  const output = file('signed.msi');
  buildMsi({ files: release, output, signing: { certificate: file('both'), passwordFile: file('password') } });
  t.regex(run('osslsigncode', 'verify', '-CAfile', file('certificate'), '-in', output), /Signature verification: ok/);
  run('msiextract', '-C', folder, output);
  const [program = ''] = globSync('**/probes-helper.exe', { cwd: folder });
  t.regex(
    run('osslsigncode', 'verify', '-CAfile', file('certificate'), '-in', file(program)),
    /Signature verification: ok/,
  );
});
