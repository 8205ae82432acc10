// Both packages of this source, whole: what they hold, that they can be made again, what lintian and rpmlint say.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import test from 'ava';

import { checkPackages, differences } from '../../installers/check-package.ts';
import { isConffile } from '../../installers/linux/contents.ts';
import { debName } from '../../installers/linux/deb.ts';
import { makeLinuxPackages } from '../../installers/linux/package.ts';
import { LIBEXEC, linuxPayload } from '../../installers/linux/payload.ts';
import { rpmName } from '../../installers/linux/rpm.ts';
import { PACKAGE_TARGETS, type PackageTarget } from '../../installers/package-target.ts';
import { sha256 } from '../../installers/programs/manifest.ts';
import { run } from '../../installers/tools/run.ts';
import { hasCommand } from '../../installers/tools/system-packages.ts';
import { withFolders, type TreeEntry } from '../../installers/tools/tree.ts';
import { VERSION } from '../../shared/version.ts';
import { requiring } from '../support/requirements.ts';
import { flipByte } from './support/flip-byte.ts';

const TARGET = PACKAGE_TARGETS['linux-x64'] as PackageTarget;
const scratch = mkdtempSync(path.join(tmpdir(), 'probes-packages-'));
const folder = path.join(scratch, TARGET.output);
const [DEB, RPM] = [debName, rpmName].map((name) => path.join(folder, name('x64', VERSION))) as [string, string];

const needs = (...commands: string[]): ReturnType<typeof requiring> =>
  requiring(() => (commands.every(hasCommand) ? undefined : `needs ${commands.join(', ')}`));
const packageTest = needs('dpkg-deb', 'rpmbuild');

let payload: readonly TreeEntry[] = [];

test.before(async (t) => {
  t.timeout(300_000);
  if (!['dpkg-deb', 'rpmbuild'].every(hasCommand)) return;
  await makeLinuxPackages('x64', folder);
  payload = await linuxPayload('x64');
});

test.after.always(() => rmSync(scratch, { recursive: true, force: true }));

/** Folders that belong to the packages `filesystem` and `systemd` of systems with rpm. */
const OF_THE_DISTRIBUTION: ReadonlySet<string> = new Set(
  'etc usr usr/bin usr/sbin usr/lib usr/lib/systemd usr/lib/systemd/system usr/lib/systemd/system-preset usr/lib/sysusers.d usr/libexec usr/share usr/share/doc usr/share/man usr/share/man/man5 usr/share/man/man8'.split(
    ' ',
  ),
);

/** `path mode owner contents`, of files and links. */
const expected = (entries: readonly TreeEntry[]): string[] =>
  entries
    .filter(({ data, link }) => (data ?? link) !== undefined)
    .map(({ path: name, mode, data, link }) => `${name} ${mode.toString(8)} root:root ${link ?? sha256(data ?? '')}`)
    .toSorted();

packageTest('the .rpm holds the files of an installation, all of root, with their modes', (t) => {
  const format =
    '[%{FILENAMES}\\t%{FILEMODES:octal}\\t%{FILEUSERNAME}:%{FILEGROUPNAME}\\t%{FILELINKTOS}%{FILEDIGESTS}\\t%{FILEFLAGS:fflags}\\n]';
  const files = run('rpm', ['--nosignature', '-qp', '--qf', format, RPM])
    .replace(/\n$/u, '')
    .split('\n')
    .map((line) => line.split('\t') as [string, string, string, string, string]);
  const isFolder = (mode: string): boolean => mode.startsWith('4') || mode.startsWith('04');
  t.deepEqual(
    files
      .filter(([, mode]) => !isFolder(mode))
      .map(
        ([name, mode, owner, contents]) =>
          `${name.slice(1)} ${Number.parseInt(mode.slice(-3), 8).toString(8)} ${owner} ${contents}`,
      )
      .toSorted(),
    expected(payload),
  );
  // All folders that no distribution has by itself, so that none is left.
  t.deepEqual(
    files.filter(([, mode]) => isFolder(mode)).map(([name, mode]) => `${name.slice(1)} ${mode.slice(-3)}`),
    withFolders(payload)
      .filter(({ path: name, data, link }) => (data ?? link) === undefined && !OF_THE_DISTRIBUTION.has(name))
      .map(({ path: name, mode }) => `${name} ${mode.toString(8)}`),
  );
  t.deepEqual(
    files
      .filter(([, , , , flags]) => flags.includes('c'))
      .map(([name, , , , flags]) => `${name} ${flags}`)
      .toSorted(),
    payload
      .filter(isConffile)
      .map(({ path: name }) => `/${name} cn`)
      .toSorted(),
    'an upgrade keeps changes of the configuration, and of nothing else',
  );
});

packageTest('the .deb holds the same files, and what only lintian reads', (t) => {
  const tree = path.join(scratch, 'deb');
  run('dpkg-deb', ['--raw-extract', DEB, tree]);
  const tar = spawnSync('sh', ['-c', `dpkg-deb --fsys-tarfile "$1" | tar -tv --numeric-owner`, 'sh', DEB], {
    encoding: 'utf8',
  });
  const owners = tar.stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/\s+/u)[1]);
  t.deepEqual([...new Set(owners)], ['0/0']);
  const found = run('find', [
    tree,
    '-mindepth',
    '1',
    '-not',
    '-path',
    `${tree}/DEBIAN*`,
    '-not',
    '-type',
    'd',
    '-printf',
    '%P\\t%m\\t%l\\n',
  ])
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t') as [string, string, string])
    .map(([name, mode, link]) => `${name} ${mode} root:root ${link || sha256(readFileSync(path.join(tree, name)))}`);
  const overrides = 'usr/share/lintian/overrides/platform-probes';
  t.deepEqual(found.filter((line) => !line.startsWith(overrides)).toSorted(), expected(payload));
  t.is(found.length, payload.length + 1);
  t.regex(tar.stdout, /^drwxr-xr-x 0\/0 .* \.\/\n/u, 'the root folder of the archive too: dpkg changes / to its mode');
  t.deepEqual(
    readFileSync(path.join(tree, 'DEBIAN/conffiles'), 'utf8'),
    payload
      .filter(isConffile)
      .map(({ path: name }) => `/${name}\n`)
      .join(''),
  );
  rmSync(tree, { recursive: true });
});

packageTest('a package stays below 45 MB: the second program is found again in the first', (t) => {
  for (const file of [DEB, RPM]) t.true(statSync(file).size < 45e6, `${file}: ${statSync(file).size}`);
});

packageTest('SHA256SUMS has every file beside it', (t) => {
  t.is(spawnSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: folder }).status, 0);
  const listed = readFileSync(path.join(folder, 'SHA256SUMS'), 'utf8').match(/(?<=^.{66}).*$/gmu);
  t.deepEqual(
    listed?.toSorted(),
    run('ls', [folder])
      .trimEnd()
      .split('\n')
      .filter((name) => name !== 'SHA256SUMS')
      .toSorted(),
  );
});

packageTest('files that the manual names are installed', (t) => {
  const pages = payload.filter(({ path: name }) => name.startsWith('usr/share/man/'));
  t.is(pages.length, 3);
  const named = pages.flatMap(({ data }) => {
    const [, section = ''] = gunzipSync(data ?? '')
      .toString('utf8')
      .split('.SH "FILES"\n');
    const terms = section.split('\n.SH ')[0]?.matchAll(/^\.TP\n\\fI\/((?:usr|etc)\/.*)\\fR$/gmu) ?? [];
    return [...terms].map((match) => (match[1] ?? '').replaceAll(String.raw`\-`, '-'));
  });
  t.true(named.length > 5);
  for (const name of named)
    t.true(
      payload.some(({ path: file }) => file === name || (name.endsWith('/') && file.startsWith(name))),
      name,
    );
});

packageTest('papers beside the packages are about these bytes, and about the programs in them', (t) => {
  const read = (name: string): unknown => JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as unknown;
  for (const file of [DEB, RPM]) {
    const name = path.basename(file);
    const { subject } = read(`${name}.provenance.json`) as { subject: unknown };
    t.deepEqual(subject, [{ name, digest: { sha256: sha256(readFileSync(file)) } }]);
  }
  const { components } = read(`platform-probes-${VERSION}-linux-x64.cdx.json`) as {
    components: ReadonlyArray<{ name: string; hashes?: ReadonlyArray<{ alg: string; content: string }> }>;
  };
  const programs = payload.filter(({ path: name }) => name.startsWith(`${LIBEXEC}/`) && !name.endsWith('.json'));
  t.is(programs.length, 4);
  for (const { path: name, data = '' } of programs)
    t.deepEqual(
      components.find((each) => each.name === path.basename(name))?.hashes,
      [{ alg: 'SHA-256', content: sha256(data) }],
      name,
    );
});

/** The package that brings a library, in Debian and for rpm. libpthread, libdl, libm and the loader are parts of glibc. */
const LIBRARIES: Readonly<Record<string, readonly [string, RegExp]>> = {
  'libgcc_s.so.1': ['libgcc-s1', /^libgcc_s\.so\.1/u],
  'libstdc++.so.6': ['libstdc++6', /^libstdc\+\+\.so\.6/u],
  'libc.so.6': ['libc6', /^libc\.so\.6/u],
};

needs(
  'dpkg-deb',
  'rpmbuild',
  'readelf',
)('every library that a program or the addon needs is a dependency of both packages', (t) => {
  const debian = run('dpkg-deb', ['--field', DEB, 'Depends'])
    .trim()
    .split(', ')
    .map((name) => name.split(' ', 1)[0]);
  const rpm = run('rpm', ['--nosignature', '-qp', '--requires', RPM]).split('\n');
  for (const { path: name, data } of payload) {
    if (!name.startsWith(LIBEXEC) || data?.toString('latin1', 0, 4) !== '\x7fELF' || name.endsWith('.bpf.o')) continue;
    const file = path.join(scratch, 'elf');
    writeFileSync(file, data);
    const needed = [...run('readelf', ['-d', file]).matchAll(/\(NEEDED\).*\[(?<name>[^\]]+)\]/gu)].map(
      (match) => match.groups?.['name'] ?? '',
    );
    t.true(needed.length > 2, name);
    for (const library of needed.filter((each) => !/^(?:lib(?:pthread|dl|m)\.so\.\d|ld-linux)/u.test(each))) {
      const [debianName, rpmName_] = LIBRARIES[library] ?? ['', /^$/u];
      t.true(debian.includes(debianName), `${name} needs ${library}`);
      t.true(
        rpm.some((line) => rpmName_.test(line)),
        `${name} needs ${library}`,
      );
    }
  }
  // Loaded by name, so no linker knows it.
  t.true(debian.includes('libbpf1'));
  t.true(rpm.includes('libbpf.so.1()(64bit)'));
});

needs('lintian')('lintian finds nothing that its overrides do not answer', (t) => {
  t.timeout(180_000);
  const { status, stdout, stderr } = spawnSync(
    'lintian',
    ['--allow-root', '--tag-display-limit', '0', '--fail-on', 'error,warning', DEB],
    { encoding: 'utf8' },
  );
  t.is(stdout, '', stderr);
  t.is(status, 0);
});

needs('rpmlint')('rpmlint finds nothing that its filters do not answer', (t) => {
  const { status, stdout } = spawnSync('rpmlint', ['--config', 'installers/linux/rpmlint.toml', RPM], {
    encoding: 'utf8',
  });
  t.is(status, 0, stdout);
  t.regex(stdout, / 0 errors, 0 warnings, /u);
});

packageTest(
  'made again in another folder, with another time zone and umask, every file has the same bytes; --check says which do not',
  (t) => {
    t.timeout(300_000);
    const [zone, umask] = [process.env['TZ'], process.umask(0o077)];
    process.env['TZ'] = 'Asia/Kathmandu';
    try {
      t.notThrows(() => checkPackages('linux-x64', TARGET, [], folder));
    } finally {
      process.umask(umask);
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
    const other = path.join(scratch, 'other', TARGET.output);
    cpSync(folder, other, { recursive: true });
    t.deepEqual(differences(folder, other), []);
    flipByte(path.join(other, path.basename(RPM)));
    rmSync(path.join(other, path.basename(DEB)));
    writeFileSync(path.join(other, 'SHA256SUMS.minisig'), 'only one side has the key');
    const found = differences(folder, other);
    t.is(found.length, 2);
    t.regex(found.join('\n'), /\.deb: SHA-256 not there, before [0-9a-f]{64}/u);
    t.regex(found.join('\n'), /\.rpm: SHA-256 [0-9a-f]{64}, before [0-9a-f]{64}/u);
  },
);

test('--check without anything to compare says so', (t) => {
  t.throws(
    () => checkPackages('linux-arm64', PACKAGE_TARGETS['linux-arm64'] as PackageTarget, [], path.join(scratch, 'none')),
    {
      message: /--check: there is no .*none to compare with. Make it first, without --check/u,
    },
  );
});
