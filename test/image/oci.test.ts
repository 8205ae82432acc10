// The writers of tar archives and of image layouts, read by programs that others wrote.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { image, layoutArchive, multiArchitecture, type Image } from '../../installers/image/oci.ts';
import { tar } from '../../installers/image/tar.ts';
import { withFolders, type TreeEntry } from '../../installers/tools/tree.ts';

const CREATED = 1_795_352_083;
const long = `usr/${'a'.repeat(90)}/${'b'.repeat(95)}`;
const FILES: readonly TreeEntry[] = [
  { path: 'usr/bin/program', mode: 0o755, data: Buffer.from('#!/bin/sh\n') },
  { path: 'usr/share/text', mode: 0o644, data: Buffer.alloc(1024, 'x') },
  { path: 'lib', mode: 0o777, link: 'usr/lib' },
  { path: long, mode: 0o644, data: Buffer.from('long') },
  { path: 'etc/naïve', mode: 0o600, data: Buffer.alloc(0) },
];

const make = (architecture: string): Image =>
  image({ architecture, layers: [FILES], config: { Cmd: ['program'] }, history: ['files'] }, CREATED);

function folderOf(t: ExecutionContext, archive: Buffer): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'probes-oci-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const run = spawnSync('tar', ['-xf', '-', '-C', folder], { input: archive, encoding: 'utf8' });
  t.is(run.status, 0, run.stderr);
  return folder;
}

test('tar reads the archive: types, modes, owners, sizes, links and long names', (t) => {
  const list = spawnSync('tar', ['--numeric-owner', '--full-time', '--utc', '-tvf', '-'], {
    input: tar(withFolders(FILES)),
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  t.is(list.stderr, '');
  const folder = (name: string): string => `drwxr-xr-x 0/0 0 1970-01-01 00:00:00 ${name}/`;
  t.deepEqual(list.stdout.trimEnd().replaceAll(/ +/gu, ' ').split('\n'), [
    folder('etc'),
    '-rw------- 0/0 0 1970-01-01 00:00:00 etc/naïve',
    'lrwxrwxrwx 0/0 0 1970-01-01 00:00:00 lib -> usr/lib',
    folder('usr'),
    folder(`usr/${'a'.repeat(90)}`),
    `-rw-r--r-- 0/0 4 1970-01-01 00:00:00 ${long}`,
    folder('usr/bin'),
    '-rwxr-xr-x 0/0 10 1970-01-01 00:00:00 usr/bin/program',
    folder('usr/share'),
    '-rw-r--r-- 0/0 1024 1970-01-01 00:00:00 usr/share/text',
  ]);
});

test('a path or a link that the format cannot hold is refused by name', (t) => {
  const name = 'c'.repeat(101);
  t.throws(() => tar([{ path: name, mode: 0o644, data: Buffer.alloc(0) }]), { message: /^tar: c{101} is too long/ });
  t.throws(() => tar([{ path: `${'d'.repeat(156)}/e`, mode: 0o644, data: Buffer.alloc(0) }]), {
    message: /is too long/,
  });
  t.throws(() => tar([{ path: 'f', mode: 0o777, link: name }]), { message: /^tar: f leads to/ });
});

test('every descriptor of a layout holds size and digest of its blob, and every blob is named', (t) => {
  const whole = multiArchitecture([make('amd64'), make('arm64')]);
  const folder = folderOf(t, layoutArchive(whole, 'sample', '1.0'));
  const read = (name: string): Buffer => readFileSync(path.join(folder, name));
  t.deepEqual(JSON.parse(read('oci-layout').toString()), { imageLayoutVersion: '1.0.0' });

  const seen = new Set<string>();
  interface Blob {
    digest: string;
    size: number;
    platform?: unknown;
    annotations?: unknown;
  }
  const blob = ({ digest, size }: Blob): Buffer => {
    const bytes = read(`blobs/${digest.replace(':', '/')}`);
    t.is(`sha256:${createHash('sha256').update(bytes).digest('hex')}`, digest);
    t.is(bytes.length, size);
    seen.add(digest);
    return bytes;
  };
  const [top, ...more] = JSON.parse(read('index.json').toString()).manifests as Blob[];
  t.deepEqual(more, []);
  t.deepEqual(top?.annotations, {
    'org.opencontainers.image.ref.name': '1.0',
    'io.containerd.image.name': 'localhost/sample:1.0',
  });
  const { manifests } = JSON.parse(blob(top!).toString()) as { manifests: Blob[] };
  t.deepEqual(
    manifests.map(({ platform }) => platform),
    ['amd64', 'arm64'].map((architecture) => ({ architecture, os: 'linux' })),
  );
  for (const each of manifests) {
    const manifest = JSON.parse(blob(each).toString()) as { config: Blob; layers: Blob[] };
    const config = JSON.parse(blob(manifest.config).toString()) as { created: string; rootfs: { diff_ids: string[] } };
    t.is(config.created, '2026-11-22T12:54:43Z');
    t.deepEqual(
      manifest.layers.map((layer) =>
        createHash('sha256')
          .update(zstdDecompressSync(blob(layer)))
          .digest('hex'),
      ),
      config.rootfs.diff_ids.map((id) => id.replace('sha256:', '')),
    );
  }
  const list = spawnSync('find', ['blobs', '-type', 'f'], { cwd: folder, encoding: 'utf8' }).stdout.trim().split('\n');
  t.deepEqual(list.length, seen.size);
});

test('the same contents give the same bytes, another file another digest', (t) => {
  const [one, same] = [make('amd64'), make('amd64')];
  t.true(layoutArchive(one, 'a', '1').equals(layoutArchive(same, 'a', '1')));
  const other = image(
    { architecture: 'amd64', layers: [FILES.slice(1)], config: { Cmd: ['program'] }, history: ['files'] },
    CREATED,
  );
  t.not(one.descriptor.digest, other.descriptor.digest);
});

const skopeo = spawnSync('skopeo', ['--version']).error === undefined;
(skopeo ? test : test.skip)(
  `${skopeo ? '' : '[skipped: needs skopeo] '}skopeo takes the archive, and refuses one with a flipped byte`,
  (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'probes-oci-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const archive = layoutArchive(multiArchitecture([make('amd64'), make('arm64')]), 'sample', '1.0');
    const copy = (name: string) => {
      const from = ['--override-arch', 'arm64', `oci-archive:${path.join(folder, name)}`];
      return spawnSync('skopeo', ['copy', '--quiet', ...from, `dir:${path.join(folder, `${name}-copy`)}`], {
        encoding: 'utf8',
      });
    };
    writeFileSync(path.join(folder, 'whole'), archive);
    const whole = copy('whole');
    t.is(whole.status, 0, whole.stderr);
    const at = archive.indexOf(Buffer.from([0x28, 0xb5, 0x2f, 0xfd])); // a layer begins
    for (let each = at; each !== -1; each = archive.indexOf(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), each + 1))
      archive.writeUInt8(archive.readUInt8(each + 20) ^ 1, each + 20);
    writeFileSync(path.join(folder, 'flipped'), archive);
    const flipped = copy('flipped');
    t.not(flipped.status, 0);
    t.regex(flipped.stderr, /Digest did not match/);
  },
);
