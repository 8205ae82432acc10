import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { lockedPackage, unpacked } from '../programs/npm-package.ts';
import { PROGRAMS } from '../programs/programs.ts';
import { inCheckout } from '../tools/root-folder.ts';
import type { TreeEntry } from '../tools/tree.ts';
import { bundledPackages } from './inventory.ts';
import { lockedIn } from './lockfile.ts';

/** The folder of documents. */
export const DOCUMENTS = 'usr/share/doc/platform-probes';

/** One part of an installation with the terms on which it comes. */
interface Part {
  /** Where it comes from, as a pattern of files in the source. */
  readonly files: string;
  readonly copyright: readonly string[];
  /** SPDX expression, as Debian writes it. */
  readonly license: string;
  /** The terms, or where they stand. */
  readonly text: string;
}

/**
 * The licences of everything that the packages bring: `copyright` in the form of Debian
 * (https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/), and beside it the long texts that it refers to, as
 * their authors wrote them.
 * @throws {Error} when something that is shipped has no licence
 */
export async function licences(architecture: 'x64' | 'arm64'): Promise<TreeEntry[]> {
  const bundled = (await Promise.all(PROGRAMS.map(bundledPackages))).flat();
  const folders = [...new Set(bundled.map(({ folder }) => folder))].toSorted();
  const parts = [...OWN, nodePart(architecture), ...koffiParts(architecture), ...folders.map(npmPart)];
  const text = (name: string, data: Buffer): TreeEntry => ({ path: `${DOCUMENTS}/${name}`, mode: 0o644, data });
  return [
    text('copyright', Buffer.from(copyrightText(parts))),
    text('licences/Apache-2.0.txt', readFileSync(inCheckout('LICENSE'))),
    text('licences/GPL-2.0.txt', readFileSync(inCheckout('bpf/LICENSE.GPL-2.0'))),
    text('licences/nodejs.txt', nodeLicense(architecture)),
  ];
}

const APACHE = `The text is in /${DOCUMENTS}/licences/Apache-2.0.txt. Debian systems have it in /usr/share/common-licenses/Apache-2.0 too.`;

const OWN: readonly Part[] = [
  { files: '*', copyright: ['Platform Probes contributors'], license: 'Apache-2.0', text: APACHE },
  {
    files: 'bpf/*',
    copyright: ['Platform Probes contributors'],
    license: 'GPL-2 or Apache-2.0',
    text: `You may choose. The text of the first is in /${DOCUMENTS}/licences/GPL-2.0.txt; Debian systems have it in /usr/share/common-licenses/GPL-2 too. ${APACHE}`,
  },
];

function nodePart(architecture: 'x64' | 'arm64'): Part {
  const text = nodeLicense(architecture).toString('utf8');
  const [, own] = /^Node\.js is licensed for use as follows:\s+"""\n([^]*?)\n"""/u.exec(text) ?? [];
  if (own === undefined)
    throw new Error("the LICENSE file of Node.js does not begin with Node.js's own licence any more");
  return {
    files: `node_modules/node-linux-${architecture}/*`,
    copyright: [
      'Node.js contributors',
      'Joyent, Inc. and other Node contributors',
      'the authors of the libraries in Node.js',
    ],
    license: 'Expat',
    text: `${own}\n\nNode.js contains libraries of others. Their licences, and all of this, are in /${DOCUMENTS}/licences/nodejs.txt.`,
  };
}

function nodeLicense(architecture: 'x64' | 'arm64'): Buffer {
  return readFileSync(path.join(unpacked(lockedPackage(`node-linux-${architecture}`)), 'LICENSE'));
}

/** The package of the addon has no licence file; that of its source, of the same version, has. The addon also contains code of headers. */
function koffiParts(architecture: 'x64' | 'arm64'): Part[] {
  const [addon, source] = [`node_modules/@koromix/koffi-linux-${architecture}`, 'node_modules/koffi'].map(lockedIn);
  if (addon?.version !== source?.version)
    throw new Error(`koffi is ${source?.version}, its addon ${addon?.version}: the licence may be another`);
  return [
    { ...npmPart('node_modules/koffi'), files: `node_modules/koffi/*\n${addon?.folder}/*` },
    ...['node-addon-api', 'node-api-headers'].map((name) => {
      const folder = `node_modules/koffi/vendor/${name}`;
      return partFrom(folder, 'MIT', licenceFiles(folder));
    }),
  ];
}

function npmPart(folder: string): Part {
  const { license } = lockedIn(folder);
  return partFrom(folder, license ?? '', licenceFiles(folder));
}

/** The texts of a folder's licence files. @throws {Error} when there is none */
export function licenceFiles(folder: string): string[] {
  const place = inCheckout(folder);
  const names = existsSync(place) ? readdirSync(place) : [];
  const found = names.filter((name) => /^(?:licen[cs]es?|copying|notice)(?:[.-]|$)/iu.test(name)).toSorted();
  if (found.length === 0)
    throw new Error(`${folder} has no licence file, and its code is shipped. Add its text, or do without the package.`);
  return found.map((name) => readFileSync(path.join(place, name), 'utf8').replaceAll('\r\n', '\n').trim());
}

function partFrom(folder: string, license: string, texts: readonly string[]): Part {
  const text = texts.join('\n\n');
  const copyright = [
    ...new Set(
      text.matchAll(/^\W*copyright\b(?:\s*\([cC]\)|\s*©)?:?\s+(.*?[\dA-Za-z].*)$/gimu).map((match) => match[1] ?? ''),
    ),
  ];
  if (license === '' || copyright.length === 0)
    throw new Error(`${folder}: its licence names no holder of the copyright, or has no name`);
  return { files: `${folder}/*`, copyright, license: license === 'MIT' ? 'Expat' : license, text };
}

function copyrightText(parts: readonly Part[]): string {
  const head = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: platform-probes
Comment:
 Paths are those of the source from which the programs are built. Each program
 is Node.js with the code of this project; probes-agent also contains the code
 of the packages of npm that are named here.
`;
  return `${head}\n${parts.map(paragraph).join('\n')}`;
}

function paragraph({ files, copyright, license, text }: Part): string {
  return `Files: ${files.replaceAll('\n', '\n ')}
Copyright: ${copyright.join('\n ')}
License: ${license}
${text
  .split('\n')
  .map((line) => (line.trim() === '' ? ' .' : ` ${line.trimEnd()}`))
  .join('\n')}
`;
}
