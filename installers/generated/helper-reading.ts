import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

import { bundle } from '../programs/bundle.ts';
import { ownCodeHasNoSideEffects } from '../programs/own-code.ts';
import { inCheckout, ROOT } from '../tools/root-folder.ts';

const PAGE = 'helper/README.md';

/** Code that starts as root on Linux: the command line, and the privileged stage. The other two only lead from one to the other. */
const PRIVILEGED_ENTRIES = ['helper/commands.ts', 'helper/linux/root/run.ts'];
const LEADS_THERE = ['helper/main.ts', 'helper/linux/platform.ts'];

const SYSTEMS: readonly (readonly [name: string, platform: NodeJS.Platform])[] = [
  ['Linux', 'linux'],
  ['macOS', 'darwin'],
  ['Windows', 'win32'],
];

/** A table row whose first cell is a source file and whose second one is its lines. */
const ROW = /^\| `([\w./-]+\.ts)` \| *\d* *\|/gmu;

/** helper/README.md with its counts made anew. What people wrote in it stays. */
export async function helperReadingText(): Promise<string> {
  let page = readFileSync(inCheckout(PAGE), 'utf8');
  page = page.replaceAll(ROW, (_, file: string) => `| \`${file}\` | ${codeLines(sourceOf(file))} |`);
  for (const [system, platform] of SYSTEMS) {
    const files = (await bundle({ entry: 'helper/main.ts' }, platform)).inputs.filter((file) => file.endsWith('.ts'));
    const audit = files.filter((file) => /\baudit\b/u.test(file));
    page = page.replace(
      new RegExp(String.raw`^\| ${system} \| *\d* *\| *\d* *\| *\d* *\|`, 'mu'),
      `| ${system} | ${files.length} | ${total(files)} | ${total(audit)} |`,
    );
  }
  const privileged = await privilegedFiles();
  return page.replace(
    /(<!-- before the drop -->)[^]*?(<!-- end -->)/u,
    `$1\n${privileged.length} files with ${total(privileged)} lines of code.\n$2`,
  );
}

/**
 * Every file that has code in the process while it is root on Linux: what the entries import, and what those import.
 * Relative to the checkout, sorted.
 */
export async function privilegedFiles(): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [...PRIVILEGED_ENTRIES],
    bundle: true,
    write: false,
    metafile: true,
    outdir: 'build',
    platform: 'node',
    format: 'cjs',
    treeShaking: false,
    plugins: [ownCodeHasNoSideEffects],
    logLevel: 'silent',
  });
  return [...new Set([...LEADS_THERE, ...Object.keys(metafile.inputs)])].toSorted();
}

/** The files that the section "As root" of a text of helper/README.md leads through, relative to the checkout, sorted. */
export function listedAsRoot(page: string): string[] {
  const section = page.split(/^## /mu).find((part) => part.startsWith('1. As root')) ?? '';
  return [...section.matchAll(ROW)].map(([, file = '']) => sourceOf(file)).toSorted();
}

/** Files are named relative to helper/; those of shared/ with their folder. */
function sourceOf(file: string): string {
  return file.startsWith('shared/') ? file : `helper/${file}`;
}

const total = (files: readonly string[]): number => files.reduce((sum, file) => sum + codeLines(file), 0);

/** Lines that are neither empty nor comments; 0 where there is no such file. */
function codeLines(file: string): number {
  if (globSync(file, { cwd: ROOT }).length === 0) return 0;
  const text = readFileSync(path.join(ROOT, file), 'utf8').replaceAll(/\/\*[^]*?\*\//gu, '');
  return text.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length;
}
