import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { run } from '../tools/run.ts';
import { withFolders, type TreeEntry } from '../tools/tree.ts';
import { writeTree } from '../tools/write-tree.ts';
import { inCheckout } from '../tools/root-folder.ts';
import { DESCRIPTION, MAINTAINER, NAME, packageVersion, SUMMARY } from './identity.ts';
import { readAr, writeAr } from './ar.ts';
import { zstd } from './compression.ts';
import { isConffile, type PackageContents } from './contents.ts';
import type { LinuxArchitecture } from './payload.ts';

const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' } as const;

const SCRIPTS = ['postinst', 'prerm', 'postrm'] as const;

/** The name of the .deb, as apt has it in a repository. */
export function debName(architecture: LinuxArchitecture, version: string): string {
  return `${NAME}_${packageVersion(version)}_${ARCHITECTURES[architecture]}.deb`;
}

/**
 * Makes a .deb with dpkg-deb. The same contents give the same bytes. dpkg reads it from 1.21.18 on (Debian 12).
 * @param scratch an existing folder on a file system with room for the payload, twice
 * @throws {Error} when dpkg-deb refuses
 */
export function makeDeb(contents: PackageContents, output: string, scratch: string): void {
  const { payload, epoch } = contents;
  const work = mkdtempSync(path.join(scratch, 'deb-'));
  try {
    const folder = path.join(work, 'tree');
    mkdirSync(folder);
    writeTree(payload, folder, epoch);
    const control = path.join(folder, 'DEBIAN');
    mkdirSync(control);
    chmodSync(control, 0o755);
    const place = (name: string, text: string | Buffer, mode = 0o644): void => {
      writeFileSync(path.join(control, name), text);
      chmodSync(path.join(control, name), mode);
    };
    place('control', controlFile(contents));
    place('md5sums', checksums(payload));
    const conffiles = payload.filter(isConffile).map(({ path: name }) => `/${name}\n`);
    if (conffiles.length > 0) place('conffiles', conffiles.join(''));
    for (const name of SCRIPTS) place(name, readFileSync(inCheckout('installers/linux/scripts', name)), 0o755);
    const plain = path.join(work, 'plain.deb');
    run('dpkg-deb', ['--root-owner-group', '-Znone', '--build', folder, plain], {
      env: { SOURCE_DATE_EPOCH: String(epoch), TZ: 'UTC', LC_ALL: 'C.UTF-8' },
    });
    writeFileSync(output, compressed(readFileSync(plain), epoch));
    chmodSync(output, 0o644);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The same .deb, its two archives compressed. dpkg-deb itself has no option for a window that spans both programs. */
function compressed(deb: Buffer, epoch: number): Buffer {
  const members = readAr(deb).map(({ name, data }) =>
    name.endsWith('.tar') ? { name: `${name}.zst`, data: zstd(data) } : { name, data },
  );
  return writeAr(members, epoch);
}

/** https://www.debian.org/doc/debian-policy/ch-controlfields.html#binary-package-control-files-debian-control */
function controlFile({ architecture, version, payload }: PackageContents): string {
  const fields = {
    'Package': NAME,
    'Version': packageVersion(version),
    'Architecture': ARCHITECTURES[architecture],
    'Maintainer': MAINTAINER,
    'Installed-Size': String(installedKibibytes(payload)),
    'Depends': DEPENDENCIES.join(', '),
    'Section': 'admin',
    'Priority': 'optional',
    'Description': [SUMMARY, ...DESCRIPTION.map(wrapped)].join('\n .\n').replace('\n .\n', '\n'),
  };
  return Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('');
}

/**
 * glibc and libstdc++ are what Node.js needs. libbpf is loaded by name when the helper starts, so no linker names it.
 * systemd brings systemd-sysusers and systemd-tmpfiles, which the scripts call.
 */
const DEPENDENCIES = ['libc6 (>= 2.28)', 'libgcc-s1', 'libstdc++6 (>= 7)', 'libbpf1 (>= 1:1.0)', 'systemd'];

/** Lines of at most 76 columns, each with the space in front that the control file wants. */
function wrapped(paragraph: string): string {
  const lines = [''];
  for (const word of paragraph.split(' ')) {
    const line = `${lines.at(-1)} ${word}`;
    if (line.length <= 76) lines[lines.length - 1] = line;
    else lines.push(` ${word}`);
  }
  return lines.join('\n');
}

/** As dpkg-gencontrol counts: each file in whole KiB, and one KiB for anything else. */
function installedKibibytes(payload: readonly TreeEntry[]): number {
  return withFolders(payload).reduce(
    (sum, { data }) => sum + (data === undefined ? 1 : Math.ceil(data.length / 1024)),
    0,
  );
}

/** For `dpkg --verify`, which knows no other hash. `probes-helper audit` compares SHA-256. dpkg has those of conffiles itself. */
function checksums(payload: readonly TreeEntry[]): string {
  return payload
    .filter((entry) => entry.data !== undefined && !isConffile(entry))
    .map(
      ({ path: name, data }) =>
        `${createHash('md5')
          .update(data ?? '')
          .digest('hex')}  ${name}\n`,
    )
    .join('');
}
