import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';

const SOURCES = path.resolve(import.meta.dirname, '../fixtures');
const OUTPUT = path.resolve(import.meta.dirname, '../../build/fixtures');

/**
 * Compiles a program of test/fixtures unless that was done before, and gives its
 * path. Static, so that it starts fast and in any root directory.
 */
export function fixture(name: string, ...flags: string[]): string {
  const source = path.join(SOURCES, `${name}.c`);
  const program = path.join(OUTPUT, [name, ...flags].join(''));
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program;
  mkdirSync(OUTPUT, { recursive: true });
  const fresh = `${program}.${process.pid}`;
  const result = spawnSync('gcc', ['-O2', '-Wall', '-Werror', '-static', '-pthread', ...flags, '-o', fresh, source], {
    encoding: 'utf8',
  });
  if (result.status !== 0) throw new Error(`cannot compile ${source}: ${result.error?.message ?? result.stderr}`);
  renameSync(fresh, program);
  return program;
}
