import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';

const SOURCES = path.resolve(import.meta.dirname, '../fixtures');
const OUTPUT = path.resolve(import.meta.dirname, '../../build/fixtures');

/**
 * Compiles a program of test/fixtures unless that was done before, and gives its
 * path. Static, so that it starts fast and in any root directory.
 */
export const fixture = (name: string, ...flags: string[]): string => compile('gcc', flags, name, flags, OUTPUT);

/**
 * Compiles such a program for 64-bit ARM, or, with `-m32`, for 32-bit ARM.
 * @param folder where to put it; each program gets the name that `fixture` looks for
 */
export function fixtureForArm(folder: string, name: string, ...flags: string[]): string {
  return flags.includes('-m32')
    ? compile(
        'arm-linux-gnueabihf-gcc',
        flags.filter((flag) => flag !== '-m32'),
        name,
        flags,
        folder,
      )
    : compile('aarch64-linux-gnu-gcc', flags, name, flags, folder);
}

function compile(
  compiler: string,
  flags: readonly string[],
  name: string,
  nameFlags: readonly string[],
  folder: string,
): string {
  const source = path.join(SOURCES, `${name}.c`);
  const program = path.join(folder, [name, ...nameFlags].join(''));
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program;
  mkdirSync(folder, { recursive: true });
  const fresh = `${program}.${process.pid}`;
  const result = spawnSync(
    compiler,
    ['-O2', '-Wall', '-Werror', '-static', '-pthread', ...flags, '-o', fresh, source],
    { encoding: 'utf8' },
  );
  if (result.status !== 0) throw new Error(`cannot compile ${source}: ${result.error?.message ?? result.stderr}`);
  renameSync(fresh, program);
  return program;
}
