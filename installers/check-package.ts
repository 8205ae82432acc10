import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';

import type { PackageTarget } from './package-target.ts';
import { fileHashes } from './tools/file-hashes.ts';
import { progress } from './tools/progress.ts';
import { inCheckout, ROOT } from './tools/root-folder.ts';
import { run } from './tools/run.ts';
import { commitText, sourceCommit } from './tools/source-commit.ts';
import { sourceDate } from './tools/source-date.ts';

/** Not copied: what is made, what npm brings, and the history. */
const LEFT_OUT = ['dist', 'build', 'node_modules', '.git'];

/**
 * Makes the installers of a target again, all programs included, in a copy of the checkout at another path, and compares
 * them with those in dist/.
 * @param name of the target, for --target
 * @param flags further ones with which it was made
 * @param before what to compare with
 * @throws {Error} that names every file that differs
 */
export function checkPackages(
  name: string,
  { output, reproducible }: PackageTarget,
  flags: readonly string[],
  before = inCheckout('dist', output),
): void {
  if (!reproducible)
    throw new Error(`--check: ${output} differs each time it is made, and its contents do not: compare manifest.json`);
  if (!existsSync(before))
    throw new Error(
      `--check: there is no ${path.relative(ROOT, before)} to compare with. Make it first, without --check.`,
    );
  mkdirSync(inCheckout('build'), { recursive: true });
  const scratch = mkdtempSync(inCheckout('build', 'check-'));
  try {
    const copy = path.join(scratch, 'checkout');
    copyCheckout(copy);
    progress(`Making ${output} again, in ${path.relative(ROOT, copy)}`);
    run(process.execPath, [path.join(copy, 'scripts/package.ts'), '--target', name, ...flags], {
      cwd: copy,
      env: { ...process.env, SOURCE_DATE_EPOCH: String(sourceDate()), ...commitText(sourceCommit()) },
    });
    const again = path.join(copy, 'dist', output);
    const problems = differences(before, again);
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

/** Nobody else has the keys. */
const SIGNATURE = /\.(?:minisig|intoto\.jsonl)$/u;

/** One line for each file that only one side has, or that is not the same. */
export function differences(before: string, again: string): string[] {
  const [first, second] = [before, again].map((place) => fileHashes(place, path.dirname(place))) as [
    ReadonlyMap<string, string>,
    ReadonlyMap<string, string>,
  ];
  const files = new Set([...first.keys(), ...second.keys()]);
  return [...files].flatMap((file) => {
    const [old, now] = [first, second].map((side) => side.get(file) ?? 'not there');
    return old === now || SIGNATURE.test(file) ? [] : [`  ${file}: SHA-256 ${now}, before ${old}`];
  });
}
