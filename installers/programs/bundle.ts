import { build } from 'esbuild';

import { ROOT } from '../tools/root-folder.ts';
import { ownCodeHasNoSideEffects } from './own-code.ts';
import type { Program } from './programs.ts';

/** A program as one file of JavaScript, and the source files that it comes from. */
export interface Bundle {
  readonly code: Uint8Array;
  readonly inputs: readonly string[];
}

/**
 * Puts a program and all it imports into one CommonJS file (a single executable
 * takes no other kind). Nothing is shortened: an auditor may read it, and a
 * stack trace names real functions. Any warning of the bundler is an error.
 * @param platform code behind `process.platform` is kept for this system alone
 */
export async function bundle(program: Pick<Program, 'entry'>, platform: NodeJS.Platform): Promise<Bundle> {
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: [program.entry],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // The bundle contains names of files. They must not depend on where a link to node_modules leads.
    preserveSymlinks: true,
    charset: 'ascii',
    legalComments: 'none',
    define: {
      'import.meta.dirname': '__dirname',
      'import.meta.filename': '__filename',
      'process.platform': JSON.stringify(platform),
    },
    plugins: [ownCodeHasNoSideEffects],
    logLevel: 'silent',
  });
  const [warning] = result.warnings;
  const [file] = result.outputFiles;
  if (warning !== undefined || file === undefined) {
    const at = warning?.location ? `${warning.location.file}:${warning.location.line}: ` : '';
    throw new Error(`cannot bundle ${program.entry}: ${at}${warning?.text ?? 'the bundler gave no file'}`);
  }
  const used = Object.values(result.metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0),
  );
  return { code: Buffer.from(escaped(file.text)), inputs: used.map(([name]) => name) };
}

/**
 * Escapes the characters that the bundler left, which are in comments. V8 keeps the whole text in memory, and needs twice
 * as much of it when one character is beyond Latin-1.
 */
function escaped(code: string): string {
  return code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
