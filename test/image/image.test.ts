// Contents of the image: the product, the libraries that it needs, and nothing else.
import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { BASE_PACKAGES, baseLayer, IDS } from '../../installers/image/base.ts';
import { lockedPackages, packageContents } from '../../installers/image/debian-packages.ts';
import { productLayer } from '../../installers/image/image.ts';
import { tar } from '../../installers/image/tar.ts';
import { sha256 } from '../../installers/programs/manifest.ts';
import { withFolders, type TreeEntry } from '../../installers/tools/tree.ts';
import { ROOT } from '../support/repository.ts';

const ARCHITECTURES = ['x64', 'arm64'] as const;
const scratch = mkdtempSync(path.join(tmpdir(), 'probes-image-'));
test.after.always(() => rmSync(scratch, { recursive: true, force: true }));

const bases = new Map(ARCHITECTURES.map((architecture) => [architecture, baseLayer(architecture)]));
const products = new Map<string, TreeEntry[]>();
test.before(async () => {
  for (const architecture of ARCHITECTURES) products.set(architecture, await productLayer(architecture));
});
const isElf = ({ data }: TreeEntry): boolean => data?.subarray(0, 4).toString('latin1') === '\x7fELF';

/** The libraries that a program or library names. */
function needed({ data = Buffer.alloc(0) }: TreeEntry): string[] {
  const file = path.join(scratch, 'elf');
  writeFileSync(file, data);
  const { status, stdout, stderr } = spawnSync('readelf', ['--dynamic', file], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return [...stdout.matchAll(/\(NEEDED\).*\[(.*)\]/gu)].map((match) => match[1] ?? '');
}

for (const architecture of ARCHITECTURES) {
  test(`${architecture}: every library that is needed is there, and no other`, (t) => {
    const libraries = new Map(
      bases
        .get(architecture)!
        .filter(({ path: at }) => /\.so(?:\.|$)/u.test(at))
        .map((entry) => [path.basename(entry.path), entry]),
    );
    // The helper opens libbpf by itself.
    const found = new Set(['libbpf.so.1', ...products.get(architecture)!.filter(isElf).flatMap(needed)]);
    for (const name of found) {
      const entry = libraries.get(name);
      if (entry?.link !== undefined) found.add(path.basename(entry.link));
      if (entry?.data !== undefined) for (const each of needed(entry)) found.add(each);
    }
    t.deepEqual([...libraries.keys()].toSorted(), [...found].toSorted());
  });

  test(`${architecture}: programs are ours and the loader's alone; nobody else can write, nothing is set-id`, (t) => {
    const all = withFolders([...bases.get(architecture)!, ...products.get(architecture)!]);
    const programs = all.filter(({ data, mode }) => data !== undefined && (mode & 0o111) !== 0);
    t.deepEqual(
      programs.map(({ path: at }) => path.basename(at)).filter((name) => !/^(?:ld-linux-.*|libc\.so\.6)$/u.test(name)),
      ['probes-agent', 'probes-helper'],
    );
    t.deepEqual(
      all.filter(({ mode, link }) => link === undefined && (mode & 0o7022) !== 0),
      [],
    );
  });

  test(`${architecture}: each package of Debian has its copyright and its entry for scanners`, (t) => {
    const base = bases.get(architecture)!;
    const at = (name: string): TreeEntry | undefined => base.find((entry) => entry.path === name);
    for (const { name, version } of lockedPackages(architecture)) {
      const folder = at(`usr/share/doc/${name}`)?.link ?? name;
      t.regex(at(`usr/share/doc/${folder}/copyright`)?.data?.toString() ?? '', /copyright/iu, name);
      const status = at(`var/lib/dpkg/status.d/${name}`)?.data?.toString() ?? '';
      t.true(status.includes(`\nVersion: ${version}\n`), name);
    }
    t.deepEqual(
      lockedPackages(architecture).map(({ name }) => name),
      Object.keys(BASE_PACKAGES),
    );
    t.regex(at('usr/lib/os-release')?.data?.toString() ?? '', /^VERSION_CODENAME=trixie$/mu);
  });
}

test('services, users of packages and man pages stay out of the image', (t) => {
  const paths = products.get('x64')!.map((entry) => entry.path);
  t.deepEqual(
    paths.filter((name) => /systemd|sysusers|tmpfiles|\/man\/|completion/u.test(name)),
    [],
  );
  t.true(paths.includes('usr/libexec/platform-probes/manifest.json'));
});

test('the users of the image are the ones that the manifests of Kubernetes and the documents name', (t) => {
  const text =
    bases
      .get('x64')!
      .find((entry) => entry.path === 'etc/passwd')
      ?.data?.toString() ?? '';
  t.true(text.includes(`probes-helper:x:${IDS.helper}:`));
  t.true(text.includes(`probes-agent:x:${IDS.agent}:${IDS.probes}:`));
  const page = readFileSync(path.join(ROOT, 'docs/containers.md'), 'utf8');
  for (const id of Object.values(IDS)) t.true(page.includes(String(id)), `docs/containers.md: ${id}`);
});

test('another time zone, umask and folder give the same layer', (t) => {
  const twin = path.join(scratch, 'a longer path', 'twin');
  mkdirSync(twin, { recursive: true });
  for (const name of [
    'helper',
    'agent',
    'shared',
    'bpf',
    'docs',
    'scripts',
    'package.json',
    'package-lock.json',
    'LICENSE',
  ])
    symlinkSync(path.join(ROOT, name), path.join(twin, name));
  spawnSync('cp', ['-r', path.join(ROOT, 'installers'), path.join(twin, 'installers')]);
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(twin, 'node_modules'));
  const code = `
    process.umask(0o077);
    const { baseLayer } = await import(${JSON.stringify(pathToFileURL(path.join(twin, 'installers/image/base.ts')).href)});
    const { tar } = await import(${JSON.stringify(pathToFileURL(path.join(twin, 'installers/image/tar.ts')).href)});
    const { createHash } = await import('node:crypto');
    console.log(createHash('sha256').update(tar(baseLayer('x64'))).digest('hex'));`;
  const run = spawnSync(process.execPath, ['--import=tsx', '--input-type=module', '-e', code], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, TZ: 'Pacific/Auckland', LC_ALL: 'C' },
  });
  t.is(run.stdout.trim(), sha256(tar(bases.get('x64')!)), run.stderr);
});

test('a package that is not the pinned one, or that no mirror has, is refused by name', (t) => {
  const mirror = `${pathToFileURL(scratch).href}/`;
  writeFileSync(path.join(scratch, 'other.deb'), 'other bytes');
  const locked = {
    name: 'libsample1',
    version: '1.0-1',
    archive: 'debian',
    filename: 'other.deb',
    sha256: 'a'.repeat(64),
  };
  t.throws(() => packageContents(locked, ['**'], () => [mirror]), {
    message: /cannot get Debian's package libsample1 1\.0-1.*\n.*not what was pinned.*\n.*renew-image-base/u,
  });
  t.throws(() => packageContents({ ...locked, filename: 'gone.deb' }, ['**'], () => [mirror]), {
    message: /libsample1 1\.0-1.*\n.*gone\.deb/u,
  });
  t.is(lstatSync(path.join(scratch, 'other.deb')).size, 11);
});
