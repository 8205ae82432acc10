import { run } from '../tools/run.ts';

// One compiler gives one result: clang 14, which Debian 12 and Ubuntu have.
const CLANG = 'clang-14';
const STRIP = 'llvm-strip-14';

/**
 * Compiles one source of a folder to an object whose bytes do not depend on where the folder lies: line information
 * names files relative to it.
 * @throws {Error} with what the compiler printed
 */
export function compileProbe(folder: string, source: string, output: string): void {
  // The caller's environment must not change the result.
  const options = { cwd: folder, env: { LC_ALL: 'C' } };
  const flags = ['-g', '-O2', '-Wall', '-Werror', '-target', 'bpf', '-D__TARGET_ARCH_x86'];
  const names = ['-fdebug-compilation-dir=.', `-ffile-prefix-map=${folder}=.`];
  run(CLANG, [...flags, ...names, '-c', source, '-o', output], options);
  // Takes out DWARF, which the kernel has no use for, and keeps BTF.
  run(STRIP, ['-g', output], options);
}
