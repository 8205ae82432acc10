import { readFileSync } from 'node:fs';
import path from 'node:path';
import { getRawAsset, isSea } from 'node:sea';

/** The files of the page, with their types. The built program has them inside; a checkout has them in build/page, by npm run build. */
export const PAGE_FILES = {
  'index.html': 'text/html; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'uplot.css': 'text/css; charset=utf-8',
  'uplot.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const;

export type PageFile = keyof typeof PAGE_FILES;

/** The name of a file among the assets of the program. */
export const assetOf = (file: PageFile): string => `page-${file}`;

/** @throws when a checkout was not built */
export function readPageFile(file: PageFile): Buffer {
  if (isSea()) return Buffer.from(getRawAsset(assetOf(file)));
  return readFileSync(path.join(import.meta.dirname, '../../build/page', file));
}
