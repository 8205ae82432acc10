/** `test/integration/exits.test.ts` as AVA writes it: folders and name. */
const partsOf = (file: string): string[] => file.replace(/(?:\.test)?\.ts$/, '').split('/');

/** Returns the path parts that all files share. AVA leaves them out of titles; for a single file, that is the whole path. */
function leftOut(files: readonly string[]): string[] {
  const [first = [], ...others] = files.map(partsOf);
  const differs = first.findIndex((part, i) => others.some((other) => other[i] !== part));
  return differs === -1 ? first : first.slice(0, differs);
}

/**
 * The beginning that titles lack when only some of the files are run: AVA shortens them by what the files that it runs
 * have in common.
 * @param files that are run
 * @param all of the scenario
 */
export function missingInTitles(files: readonly string[], all: readonly string[]): string {
  return leftOut(files)
    .slice(leftOut(all).length)
    .map((part) => `${part} › `)
    .join('');
}
