import { spawnSync } from 'node:child_process';
import path from 'node:path';

import { windowsTarget, type Target } from '../../../installers/programs/programs.ts';
import { makeRelease } from '../../../installers/programs/release.ts';
import { ROOT } from '../../support/repository.ts';

const COMPILER = 'x86_64-w64-mingw32-gcc';

/** The product's own target, with the entries that give test settings. */
function standInTarget(): Target {
  const target = windowsTarget();
  const entries: Readonly<Record<string, string>> = {
    'probes-helper.exe': 'test/windows/fixtures/helper.ts',
    'probes-agent.exe': 'test/windows/fixtures/agent.ts',
  };
  return {
    ...target,
    folder: 'windows-stand-in',
    programs: target.programs.map((program) => ({ ...program, entry: entries[program.name] ?? program.entry })),
  };
}

/** Builds the programs with test settings, and the stand-in beside them. @returns the folder */
export async function makeStandInRelease(): Promise<string> {
  const folder = await makeRelease(standInTarget(), { force: false });
  compile('stand-in-etw.c', path.join(folder, 'stand-in-etw.dll'), ['-shared']);
  return folder;
}

/** Compiles a fixture for Windows. */
export function compile(source: string, output: string, options: readonly string[] = []): void {
  const file = path.join(ROOT, 'test/windows/fixtures', source);
  const run = spawnSync(
    COMPILER,
    ['-O1', '-Wall', '-Wextra', '-Werror', '-Wno-attributes', ...options, '-o', output, file, '-ladvapi32'],
    { encoding: 'utf8' },
  );
  if (run.status !== 0) throw new Error(`${COMPILER} cannot compile ${source}: ${run.error?.message ?? run.stderr}`);
}
