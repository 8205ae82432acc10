import { build, type Metafile } from 'esbuild';

import { ROOT } from '../root-folder.ts';
import type { Program } from './programs.ts';

/** A program as one file of JavaScript, and what went into it. */
export interface Bundle {
  readonly code: Uint8Array;
  readonly metafile: Metafile;
}

/**
 * Puts a program and all it imports into one CommonJS file (a single executable
 * takes no other kind). Nothing is shortened: an auditor may read it, and a
 * stack trace names real functions. Any warning of the bundler is an error.
 */
export async function bundle(program: Program): Promise<Bundle> {
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: [program.entry],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // The names of files stand in the bundle; they must not depend on where a link to node_modules leads.
    preserveSymlinks: true,
    charset: 'utf8',
    legalComments: 'none',
    define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
    logLevel: 'silent',
  });
  const [warning] = result.warnings;
  const [file] = result.outputFiles;
  if (warning !== undefined || file === undefined) {
    const at = warning?.location ? `${warning.location.file}:${warning.location.line}: ` : '';
    throw new Error(`cannot bundle ${program.entry}: ${at}${warning?.text ?? 'the bundler gave no file'}`);
  }
  return { code: file.contents, metafile: result.metafile };
}
