import type { Matrix } from './matrix.ts';

const BEGIN = '<!-- results: written by npm run test:kernels -- --document -->';
const END = '<!-- end of results -->';

/** The page with the results of this run in their place. */
export function writeResults(page: string, matrix: Matrix, object: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from === -1 || to < from) throw new Error(`docs/kernels.md has no place for results between "${BEGIN}" and "${END}"`);
  const date = new Date().toISOString().slice(0, 10);
  return `${page.slice(0, from)}${BEGIN}

Run on ${date}, probe object \`${object.slice(0, 16)}…\`: ${matrix.count('passed')} passed, ${matrix.count('failed')} failed, ${matrix.count('skipped')} skipped.

${matrix.toString()}

${page.slice(to)}`;
}
