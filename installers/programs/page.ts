import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { build } from 'esbuild';

import { PAGE_FILES, type PageFile } from '../../agent/dashboard/assets.ts';
import { inCheckout, ROOT } from '../tools/root-folder.ts';
import { sha256 } from './manifest.ts';

/** Files of uPlot that the page loads unchanged, by their SHA-256. A new version needs a look, and new hashes. */
const UPLOT: Partial<Record<PageFile, { readonly from: string; readonly sha256: string }>> = {
  'uplot.js': {
    from: 'node_modules/uplot/dist/uPlot.iife.min.js',
    sha256: '19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f',
  },
  'uplot.css': {
    from: 'node_modules/uplot/dist/uPlot.min.css',
    sha256: 'df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04',
  },
};

/** The folders of packages whose files are in the page. */
export const PAGE_PACKAGES = ['node_modules/uplot'] as const;

/** Browsers that have what the page's style uses; two years old or newer. */
const BROWSERS = ['chrome120', 'firefox120', 'safari17'];

/** Also puts them into build/page, where the agent of a checkout reads them. */
export async function placePage(): Promise<ReadonlyMap<PageFile, Uint8Array>> {
  const files = await pageFiles();
  const folder = inCheckout('build/page');
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of files) {
    const file = path.join(folder, name);
    writeFileSync(`${file}.${process.pid}`, bytes);
    renameSync(`${file}.${process.pid}`, file);
  }
  return files;
}

/** Every file of the dashboard's page. @throws when a file of uPlot is not the one that was looked at */
async function pageFiles(): Promise<ReadonlyMap<PageFile, Uint8Array>> {
  const files = new Map<PageFile, Uint8Array>();
  for (const name of Object.keys(PAGE_FILES) as PageFile[]) files.set(name, await pageFile(name));
  return files;
}

async function pageFile(name: PageFile): Promise<Uint8Array> {
  if (name === 'page.js') return pageScript();
  const vendored = UPLOT[name];
  const bytes = readFileSync(inCheckout(vendored?.from ?? `agent/page/${name}`));
  if (vendored !== undefined && sha256(bytes) !== vendored.sha256)
    throw new Error(`${vendored.from} is not what was pinned: ${sha256(bytes)} instead of ${vendored.sha256}`);
  return bytes;
}

/** The page's own code in one file; nothing is shortened, an auditor may read it. */
async function pageScript(): Promise<Uint8Array> {
  const { outputFiles, warnings } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['agent/page/main.ts'],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    target: BROWSERS,
    charset: 'ascii',
    legalComments: 'none',
    logLevel: 'silent',
  });
  const [file] = outputFiles;
  if (file === undefined || warnings.length > 0) throw new Error(`cannot bundle the page: ${warnings[0]?.text}`);
  return file.contents;
}
