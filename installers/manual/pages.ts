import type { TreeEntry } from '../tools/tree.ts';
import { gzipped } from '../tools/gzip.ts';
import { agentPage } from './agent-page.ts';
import { configurationPage } from './configuration-page.ts';
import { helperPage } from './helper-page.ts';
import { pageText } from './roff.ts';

/**
 * The manual pages, compressed, where man(1) looks for them. They are made of the tables that `--help` and the
 * configuration's schema are made of.
 * @param epoch the day that the pages show, in seconds since 1970
 */
export function manualPages(epoch: number): TreeEntry[] {
  return [helperPage(epoch), agentPage(epoch), configurationPage(epoch)].map((page) => ({
    path: `usr/share/man/man${page.section}/${page.name}.${page.section}.gz`,
    mode: 0o644,
    data: gzipped(pageText(page)),
  }));
}
