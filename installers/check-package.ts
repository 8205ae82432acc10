import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';

import type { PackageTarget } from './package-target.ts';
import { fileHashes } from './tools/file-hashes.ts';
import { progress } from './tools/progress.ts';
import { inCheckout, ROOT } from './tools/root-folder.ts';
import { run } from './tools/run.ts';
import { sourceDate } from './tools/source-date.ts';

/** Not copied: what is made, what npm brings, and the history. */
const LEFT_OUT = ['dist', 'build', 'node_modules', '.git'];

/**
 * Makes the installers of a target again, all programs included, in a copy of the checkout at another path, and compares
 * them with those in dist/.
 * @param name of the target, for --target
 * @throws {Error} that names every file that differs
 */
export function checkPackages(name: string, { output, reproducible }: PackageTarget): void {
  const before = inCheckout('dist', output);
  if (!reproducible)
    throw new Error(`--check: ${output} differs each time it is made, and its contents do not: compare manifest.json`);
  if (!existsSync(before))
    throw new Error(`--check: there is no dist/${output} to compare with. Make it first, without --check.`);
  mkdirSync(inCheckout('build'), { recursive: true });
  const scratch = mkdtempSync(inCheckout('build', 'check-'));
  try {
    const copy = path.join(scratch, 'checkout');
    copyCheckout(copy);
    progress(`Making ${output} again, in ${path.relative(ROOT, copy)}`);
    run(process.execPath, [path.join(copy, 'scripts/package.ts'), '--target', name], {
      cwd: copy,
      env: { ...process.env, SOURCE_DATE_EPOCH: String(sourceDate()) },
    });
    const again = path.join(copy, 'dist', output);
    const problems = differences(fileHashes(before, ROOT), fileHashes(again, copy));
    if (problems.length > 0)
      throw new Error(
        `--check: made again, these differ:\n${problems.join('\n')}\nWas the first made of another commit, has the source changed since, or have the tools?`,
      );
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function copyCheckout(to: string): void {
  for (const name of readdirSync(ROOT))
    if (!LEFT_OUT.includes(name)) cpSync(inCheckout(name), path.join(to, name), { recursive: true });
  symlinkSync(inCheckout('node_modules'), path.join(to, 'node_modules'));
}

/** One line for each file that only one side has, or that is not the same. */
function differences(before: ReadonlyMap<string, string>, again: ReadonlyMap<string, string>): string[] {
  return [...new Set([...before.keys(), ...again.keys()])].flatMap((file) => {
    if (file.endsWith('.minisig')) return []; // nobody else has the key
    const [first, second] = [before, again].map((side) => side.get(file) ?? 'not there');
    return first === second ? [] : [`  ${file}: SHA-256 ${second}, before ${first}`];
  });
}
