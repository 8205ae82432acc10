import {
  chmodSync,
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

import { inCheckout } from '../tools/root-folder.ts';
import { run } from '../tools/run.ts';
import { withFolders } from '../tools/tree.ts';
import { writeTree } from '../tools/write-tree.ts';
import { ZSTD } from './compression.ts';
import { isConffile, type PackageContents } from './contents.ts';
import { DESCRIPTION, LICENSE, MAINTAINER, NAME, packageVersion, SUMMARY, wrapped } from './identity.ts';
import type { LinuxArchitecture } from './payload.ts';

const ARCHITECTURES = { x64: 'x86_64', arm64: 'aarch64' } as const;

/** Stays 1: a package of the same version is made of the same source. */
const RELEASE = '1';

/** The moments of an installation at which rpm runs a script of installers/linux/scripts/, by the spec's names. */
const SCRIPTLETS = ['post', 'preun', 'postun', 'posttrans'] as const;

/** The name of the .rpm, as dnf has it in a repository. */
export function rpmName(architecture: LinuxArchitecture, version: string): string {
  return `${NAME}-${packageVersion(version)}-${RELEASE}.${ARCHITECTURES[architecture]}.rpm`;
}

/**
 * Makes an .rpm with rpmbuild, for any architecture on any. The same contents give the same bytes, as long as rpmbuild and
 * its compressor are the same.
 * @param scratch an existing folder on a file system with room for the payload, three times
 * @throws {Error} when rpmbuild refuses
 */
export function makeRpm(contents: PackageContents, output: string, scratch: string): void {
  const folder = mkdtempSync(path.join(scratch, 'rpm-'));
  try {
    const tree = path.join(folder, 'tree');
    mkdirSync(tree);
    writeTree(contents.payload, tree, contents.epoch);
    const spec = path.join(folder, `${NAME}.spec`);
    writeFileSync(spec, specFile(contents, tree));
    const macros = { ...MACROS, _topdir: folder, _dbpath: path.join(folder, 'db'), _tmppath: folder };
    run(
      'rpmbuild',
      [
        '-bb',
        '--quiet',
        // Neither the machine's settings nor its distribution's.
        '--rcfile=/usr/lib/rpm/rpmrc',
        '--macros=/usr/lib/rpm/macros:/usr/lib/rpm/platform/%{_target}/macros',
        '--target',
        `${ARCHITECTURES[contents.architecture]}-linux`,
        ...Object.entries(macros).flatMap(([name, value]) => ['--define', `${name} ${value}`]),
        spec,
      ],
      { env: { SOURCE_DATE_EPOCH: String(contents.epoch), TZ: 'UTC', LC_ALL: 'C.UTF-8' } },
    );
    const [made, ...others] = globSync('RPMS/*/*.rpm', { cwd: folder });
    if (made === undefined || others.length > 0)
      throw new Error(`rpmbuild made ${others.length + 1} packages, not one`);
    copyFileSync(path.join(folder, made), output);
    chmodSync(output, 0o644);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** rpmbuild by default writes into a package where and when it was made, and changes files. */
const MACROS: Readonly<Record<string, string>> = {
  _buildhost: 'reproducible.invalid',
  use_source_date_epoch_as_buildtime: '1',
  clamp_mtime_to_source_date_epoch: '1',
  vendor: '%{nil}',
  packager: MAINTAINER,
  _target_platform: '%{_target_cpu}-linux',
  _binary_filedigest_algorithm: '8',
  _source_filedigest_algorithm: '8',
  _binary_payload: `w${ZSTD.level}L${ZSTD.windowLog}.zstdio`,
  // No stripping, no second copy of files under their build id, no package of debug information.
  __os_install_post: '%{nil}',
  __arch_install_post: '%{nil}',
  _build_id_links: 'none',
  debug_package: '%{nil}',
};

/** As in a .deb: glibc and libstdc++ for Node.js, libbpf, which the helper loads by name, and systemd and flock(1) for the scripts. */
const DEPENDENCIES = [
  'libc.so.6(GLIBC_2.28)(64bit)',
  'libgcc_s.so.1()(64bit)',
  'libstdc++.so.6(CXXABI_1.3.11)(64bit)',
  'libbpf.so.1()(64bit)',
  'systemd',
  'util-linux',
];

/** https://rpm-software-management.github.io/rpm/manual/spec.html */
function specFile({ version, payload, epoch }: PackageContents, tree: string): string {
  const header = {
    Name: NAME,
    Version: packageVersion(version),
    Release: RELEASE,
    Summary: `${SUMMARY[0]?.toUpperCase()}${SUMMARY.slice(1)}`,
    License: LICENSE,
    Group: 'System/Monitoring',
    AutoReqProv: 'no',
  };
  const files = withFolders(payload).flatMap((entry) => {
    const attributes = `%attr(${entry.link === undefined ? entry.mode.toString(8).padStart(4, '0') : '-'}, root, root)`;
    if (isConffile(entry)) return [`%config(noreplace) ${attributes} "/${entry.path}"`];
    if (entry.data !== undefined || entry.link !== undefined) return [`${attributes} "/${entry.path}"`];
    return isOwnFolder(entry.path) ? [`%dir ${attributes} "/${entry.path}"`] : [];
  });
  const scriptlets = SCRIPTLETS.map((moment) => {
    const script = readFileSync(inCheckout('installers/linux/scripts', `rpm-${moment}`), 'utf8');
    // rpm runs the text with sh, and % begins a macro.
    return `%${moment}\n${script.replaceAll('%', '%%')}`;
  });
  return [
    Object.entries(header).map(([name, value]) => `${name}: ${value}`),
    DEPENDENCIES.map((name) => `Requires: ${name}`),
    ['', '%description', ...wrapped(DESCRIPTION, 79)],
    ['', '%install', `cp -a "${tree}/." "%{buildroot}/"`],
    scriptlets.map((scriptlet) => `\n${scriptlet}`),
    ['', '%files', ...files],
    ['', '%changelog', `* ${changelogDate(epoch)} ${MAINTAINER} - ${packageVersion(version)}-${RELEASE}`],
    [`- /usr/share/doc/${NAME}/changelog.gz has the changes.`, ''],
  ]
    .flat()
    .join('\n');
}

/**
 * Whether rpm removes a folder with the package, if it is empty then. One such as /usr/bin is the distribution's. Those of
 * shells belong to everybody who has completions, as the shells need not be there.
 */
function isOwnFolder(name: string): boolean {
  return name.split('/').includes(NAME) || /^usr\/share\/(?:bash-completion|fish|zsh)(?:\/|$)/u.test(name);
}

/** Such as `Sun Nov 29 2026`, in UTC. */
function changelogDate(epoch: number): string {
  const [weekday, day, month, year] = new Date(epoch * 1000).toUTCString().replace(',', '').split(' ');
  return `${weekday} ${month} ${day} ${year}`;
}
