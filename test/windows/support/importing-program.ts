import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../../support/repository.ts';

/** The imports of the program: by name, and by number from DLLs whose numbers have names in import hashes and others. */
const IMPORTED: Readonly<Record<string, readonly string[]>> = {
  'KERNEL32.dll': ['named_One', 'named_two'],
  'WS2_32.dll': ['accept_ @1 NONAME', 'startup_ @115 NONAME', 'unknown_ @600 NONAME'],
  'wsock32.DLL': ['close_ @3 NONAME'],
  'OLEAUT32.dll': ['string_ @2 NONAME'],
  'Private.dll': ['private_ @7 NONAME'],
  'control.OCX': ['control_'],
  'printer.drv': ['driver_'],
  'two.dots.sys': ['dotted_'],
};

/** Compiles and links fixtures/imports.c with mingw for one word size. @returns the program's path */
export function buildImportingProgram(folder: string, bits: 32 | 64): string {
  const file = (name: string): string => path.join(folder, `${bits}-${name}`);
  const [machine, emulation] = bits === 32 ? ['i386', 'i386pe'] : ['i386:x86-64', 'i386pep'];
  const libraries = Object.entries(IMPORTED).map(([dll, functions]) => {
    writeFileSync(file(`${dll}.def`), ['EXPORTS', ...functions, ''].join('\n'));
    const library = file(`${dll}.a`);
    run('dlltool', '-m', machine, `--as-flags=--${bits}`, '-D', dll, '-d', file(`${dll}.def`), '-l', library);
    return library;
  });
  const fixture = path.join(ROOT, 'test/windows/fixtures/imports');
  const [object, program] = [file('imports.o'), file('imports.exe')];
  run('gcc', `-m${bits}`, '-Os', '-fno-asynchronous-unwind-tables', '-c', `${fixture}.c`, '-o', object);
  const entry = bits === 32 ? '_start' : 'start';
  const how = ['-m', emulation, '-s', '-T', `${fixture}.ld`, '-e', entry, '--no-insert-timestamp'];
  run('ld', ...how, '-o', program, object, ...libraries);
  return program;
}

function run(tool: string, ...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(`x86_64-w64-mingw32-${tool}`, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`x86_64-w64-mingw32-${tool} fails: ${error?.message ?? stderr}`);
}
