import { Matrix } from './matrix.ts';

const BEGIN = '<!-- results: written by npm run test:kernels -- --document -->';
const END = '<!-- end of results -->';

/** The page with the results of this run in their place, beside those for other kernels if they are of the same probe object. */
export function writeResults(page: string, run: Matrix, object: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from === -1 || to < from)
    throw new Error(`docs/kernels.md has no place for results between "${BEGIN}" and "${END}"`);
  const earlier = page.slice(from, to);
  const matrix = earlier.includes(`\`${object.slice(0, 16)}…\``) ? Matrix.parse(earlier) : new Matrix();
  matrix.replace(run);
  const date = new Date().toISOString().slice(0, 10);
  return `${page.slice(0, from)}${BEGIN}

Last run on ${date}, probe object \`${object.slice(0, 16)}…\`: ${matrix.count('passed')} passed, ${matrix.count('failed')} failed, ${matrix.count('skipped')} skipped.

${matrix.toString()}

${page.slice(to)}`;
}
