import { VERSION } from '../../shared/version.ts';
import { bold, italic, prose, type Block, type Page, type Roff } from './roff.ts';

/** Parts that all pages have in common. */
export function pageOf(name: string, section: Page['section'], date: number, sections: Page['sections']): Page {
  return { name, section, date, source: `Platform Probes ${VERSION}`, sections };
}

/** The first section. Programs that index pages read this form alone. */
export const nameSection = (name: string, purpose: string): Page['sections'][number] => [
  'NAME',
  [{ paragraph: prose`${name} - ${purpose}` }],
];

/** An entry of a list. */
export const entry = (term: Roff, ...meaning: readonly Roff[]): Block => ({ term, meaning });

/** A list of files with the purpose of each. */
export const files = (list: Readonly<Record<string, string>>): Block[] =>
  Object.entries(list).map(([file, purpose]) => entry(italic(file), prose`${purpose}`));

/** A list of pages, for SEE ALSO. */
export function seeAlso(...pages: ReadonlyArray<readonly [name: string, section: number]>): Block[] {
  const parts = pages.map(([name, section]) => `${bold(name).source}(${section})`);
  return [{ paragraph: { source: parts.join(', ') } }];
}

/** A text of a table as a sentence. */
export function sentence(text: string): string {
  return ended(text.charAt(0).toUpperCase() + text.slice(1));
}

/** A text with its full stop. The first word stays as it is, since it may be a value. */
export function ended(text: string): string {
  const line = text.replaceAll('\n', ' ').trim();
  return /[.!?]$/u.test(line) ? line : `${line}.`;
}
