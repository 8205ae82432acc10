import { readFileSync } from 'node:fs';

import type { LinuxArchitecture } from '../linux/payload.ts';
import { inCheckout } from '../tools/root-folder.ts';

/**
 * Results by architecture, in the order in which the page shows them. `npm run test:kernels -- --arch … --document`
 * writes one of them and leaves the others as they are.
 */
const RESULTS: Readonly<Record<LinuxArchitecture, { readonly heading: string; readonly file: string }>> = {
  x64: { heading: '64-bit x86', file: 'test/kernels/results.json' },
  arm64: { heading: '64-bit ARM', file: 'test/kernels/results-arm64.json' },
};

/** The file of an architecture's results, relative to the checkout. */
export const resultsFile = (architecture: LinuxArchitecture): string => RESULTS[architecture].file;

/** Shows them. */
const RESULTS_PAGE = 'docs/kernels.md';

const BEGIN = '<!-- results: made by npm run generate from test/kernels/results*.json -->';
const END = '<!-- end of results -->';

/** `passed`, `failed`, or `skipped: REASON`. */
export type Result = 'passed' | 'failed' | `skipped: ${string}`;

/** Results on several kernels of one architecture, all of one probe object. */
export interface KernelResults {
  /** Of the last run, YYYY-MM-DD. */
  readonly date: string;
  /** SHA-256 of the object that was loaded, in hexadecimal. */
  readonly probeObject: string;
  /** By the kernel's release, then by the test's title, which begins with its file or boot: `integration › exits › …`. */
  readonly results: Readonly<Record<string, Readonly<Record<string, Result>>>>;
}

/** Where the title of a test ends that names its file. */
const SEPARATOR = ' › ';

const cell = (text: string): string => text.replaceAll('|', String.raw`\|`);

/** How many results of one kernel there are of each kind, as `15 passed, 1 skipped`. */
function counts(results: readonly Result[]): string {
  const kinds = ['passed', 'failed', 'skipped'].map((kind) => ({
    kind,
    count: results.filter((result) => result.startsWith(kind)).length,
  }));
  const present = kinds.filter(({ count }) => count > 0).map(({ kind, count }) => `${count} ${kind}`);
  return present.length === 0 ? 'not run' : present.join(', ');
}

/** A Markdown section: a row for each file of tests, a column for each kernel, then every test that did not pass. */
export function kernelResultsText({ date, probeObject, results }: KernelResults): string {
  const kernels = Object.keys(results);
  const groupOf = (title: string): string => title.slice(0, Math.max(0, title.lastIndexOf(SEPARATOR)));
  const groups = [...new Set(kernels.flatMap((kernel) => Object.keys(results[kernel] ?? {}).map(groupOf)))];
  const row = (group: string): string => {
    const cells = kernels.map((kernel) => {
      const ofGroup = Object.entries(results[kernel] ?? {}).filter(([title]) => groupOf(title) === group);
      return counts(ofGroup.map(([, result]) => result));
    });
    return `| ${[group, ...cells].map(cell).join(' | ')} |`;
  };
  const others = kernels.flatMap((kernel) =>
    Object.entries(results[kernel] ?? {})
      .filter(([, result]) => result !== 'passed')
      .map(([title, result]) => `- ${kernel}: ${title}: ${result}`),
  );
  const all = counts(kernels.flatMap((kernel) => Object.values(results[kernel] ?? {})));
  return `Last run on ${date}, probe object \`${probeObject.slice(0, 16)}…\`: ${all}.

| tests | ${kernels.map(cell).join(' | ')} |
|---|${kernels.map(() => '---|').join('')}
${groups.map(row).join('\n')}
${others.length === 0 ? '' : `\nNot passed:\n\n${others.join('\n')}\n`}`;
}

/** A page with `section` in the place for results. @throws when the page has no such place */
export function withResults(page: string, section: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from === -1 || to < from)
    throw new Error(`${RESULTS_PAGE} has no place for results between "${BEGIN}" and "${END}"`);
  return `${page.slice(0, from)}${BEGIN}\n\n${section}\n${page.slice(to)}`;
}

/** The text of docs/kernels.md with the results of every architecture. */
export function kernelsPage(): string {
  const sections = Object.values(RESULTS).map(({ heading, file }) => {
    const results = JSON.parse(readFileSync(inCheckout(file), 'utf8')) as KernelResults;
    return `### ${heading}\n\n${kernelResultsText(results)}`;
  });
  return withResults(readFileSync(inCheckout(RESULTS_PAGE), 'utf8'), sections.join('\n'));
}
