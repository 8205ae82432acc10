import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';

const SOURCES = path.resolve(import.meta.dirname, '../fixtures');
const OUTPUT = path.resolve(import.meta.dirname, '../../build/fixtures');

/**
 * Compiles a program of test/fixtures unless that was done before, and gives its
 * path. Static, so that it starts fast and in any root directory.
 */
export const fixture = (name: string, ...flags: string[]): string =>
  compile('gcc', flags, name, path.join(OUTPUT, [name, ...flags].join('')));

/**
 * Compiles such a program for 64-bit ARM, or, with `-m32`, for 32-bit ARM.
 * @param folder where to put it; a program gets the name that `fixture` gives it
 */
export function fixtureForArm(folder: string, name: string, ...flags: string[]): string {
  const compiler = flags.includes('-m32') ? 'arm-linux-gnueabihf-gcc' : 'aarch64-linux-gnu-gcc';
  const own = flags.filter((flag) => flag !== '-m32');
  return compile(compiler, own, name, path.join(folder, [name, ...flags].join('')));
}

function compile(compiler: string, flags: readonly string[], name: string, program: string): string {
  const source = path.join(SOURCES, `${name}.c`);
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program;
  mkdirSync(path.dirname(program), { recursive: true });
  const fresh = `${program}.${process.pid}`;
  const options = ['-O2', '-Wall', '-Werror', '-static', '-pthread', ...flags, '-o', fresh, source];
  const result = spawnSync(compiler, options, { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`cannot compile ${source}: ${result.error?.message ?? result.stderr}`);
  renameSync(fresh, program);
  return program;
}
