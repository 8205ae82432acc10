// The flat package's container, payload, scripts and bill, read by programs that others wrote
// (bsdtar, 7z, cpio) and, for the bill, by a reader of its own here. No macOS has installed it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { VERSION } from '../../shared/version.ts';
import { cksum } from '../../installers/macos/bom.ts';
import { signAdHoc } from '../../installers/macos/code-signature.ts';
import { flatPackage } from '../../installers/macos/flat-package.ts';
import { commonFiles, HOME, INSTALL_SCRIPTS } from '../../installers/macos/payload.ts';
import type { TreeEntry } from '../../installers/tools/tree.ts';

const EPOCH = 1_795_352_083;
const PROGRAM: TreeEntry = { path: `${HOME}/bin/probes-helper`, mode: 0o755, data: Buffer.from('#!/bin/sh\nexit 0\n') };
const PAYLOAD = [...commonFiles(), PROGRAM];
const make = (): Buffer =>
  flatPackage({
    identifier: 'platform-probes',
    version: VERSION,
    payload: PAYLOAD,
    scripts: INSTALL_SCRIPTS,
    epoch: EPOCH,
  });

function unpackedIn(t: ExecutionContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'probes-pkg-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(path.join(folder, 'a.pkg'), make());
  const bsdtar = spawnSync('bsdtar', ['-xf', 'a.pkg'], { cwd: folder, encoding: 'utf8' });
  t.is(bsdtar.status, 0, bsdtar.stderr);
  return folder;
}

const has = (program: string): boolean => spawnSync(program, ['--help']).error === undefined;
const tools = ['bsdtar', '7z', 'cpio'].every(has);
const toolTest = (title: string, run: (t: ExecutionContext) => void): void =>
  tools ? test(title, run) : test.skip(`[skipped: needs bsdtar, 7z and cpio] ${title}`, run);

test('the same parts give the same bytes', (t) => {
  t.true(make().equals(make()));
});

toolTest('bsdtar and 7z read the container, and 7z finds its checksums right', (t) => {
  const folder = unpackedIn(t);
  const list = spawnSync('bsdtar', ['-tf', 'a.pkg'], { cwd: folder, encoding: 'utf8' });
  t.deepEqual(list.stdout.trim().split('\n'), ['Bom', 'PackageInfo', 'Payload', 'Scripts']);
  const sevenZip = spawnSync('7z', ['t', 'a.pkg'], { cwd: folder, encoding: 'utf8' });
  t.is(sevenZip.status, 0, sevenZip.stdout);
  // One byte of the payload is changed: that it would notice.
  const bytes = make();
  bytes[bytes.length - 5000] = (bytes[bytes.length - 5000] ?? 0) ^ 1;
  writeFileSync(path.join(folder, 'a.pkg'), bytes);
  t.not(spawnSync('7z', ['t', 'a.pkg'], { cwd: folder }).status, 0);
});

toolTest('cpio reads payload and scripts: names, modes, owners', (t) => {
  const folder = unpackedIn(t);
  const list = (file: string): string[][] =>
    spawnSync('sh', ['-c', `gzip -dc ${file} | cpio -tv --numeric-uid-gid`], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC' },
    })
      .stdout.trim()
      .split('\n')
      .map((line) => line.split(/\s+/u));
  const payload = list('Payload');
  t.true(payload.every(([, , uid, gid]) => uid === '0' && gid === '0'));
  const modes = Object.fromEntries(payload.map((columns) => [columns.at(-1) ?? '', columns[0]]));
  t.deepEqual(modes, {
    '.': 'drwxr-xr-x',
    './Library': 'drwxr-xr-x',
    './Library/LaunchDaemons': 'drwxr-xr-x',
    './Library/LaunchDaemons/platform-probes.agent.plist': '-rw-r--r--',
    './Library/LaunchDaemons/platform-probes.helper.plist': '-rw-r--r--',
    [`./${HOME}`]: 'drwxr-xr-x',
    [`./${HOME}/LICENSE`]: '-rw-r--r--',
    [`./${HOME}/agent.example.yaml`]: '-rw-r--r--',
    [`./${HOME}/bin`]: 'drwxr-xr-x',
    [`./${HOME}/bin/exec.d`]: '-rw-r--r--',
    [`./${HOME}/bin/probes-helper`]: '-rwxr-xr-x',
    [`./${HOME}/schemas`]: 'drwxr-xr-x',
    [`./${HOME}/schemas/native-1.schema.json`]: '-rw-r--r--',
    [`./${HOME}/uninstall`]: '-rwxr-xr-x',
  });
  t.deepEqual(
    list('Scripts').map((columns) => [columns[0], columns.at(-1)]),
    [
      ['drwxr-xr-x', '.'],
      ['-rwxr-xr-x', './postinstall'],
      ['-rwxr-xr-x', './preinstall'],
    ],
  );
});

toolTest('PackageInfo counts what the payload holds', (t) => {
  const info = readFileSync(path.join(unpackedIn(t), 'PackageInfo'), 'utf8');
  t.regex(
    info,
    new RegExp(
      `identifier="platform-probes" version="${VERSION.replaceAll('.', String.raw`\.`)}" install-location="/" auth="root"`,
      'u',
    ),
  );
  t.regex(info, /numberOfFiles="14"/u);
  t.regex(info, /<preinstall file="\.\/preinstall"\/>/u);
});

toolTest('the bill names every path of the payload, with mode, owner, size and checksum', (t) => {
  const paths = readBill(readFileSync(path.join(unpackedIn(t), 'Bom')));
  for (const { path: name, mode, data } of PAYLOAD) {
    t.deepEqual(
      paths.get(`./${name}`),
      {
        type: 1,
        mode: 0o100_000 | mode,
        uid: 0,
        gid: 0,
        mtime: EPOCH,
        size: data?.length ?? 0,
        checksum: cksum(data ?? Buffer.alloc(0)),
      },
      name,
    );
  }
  t.like(paths.get(`./${HOME}/bin`), { type: 2, mode: 0o040_755, uid: 0, gid: 0 });
  t.is(paths.size, 14);
});

test('checksums of the bill are those of cksum(1)', (t) => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('a'), Buffer.alloc(100_000, 'xyz')]) {
    t.regex(spawnSync('cksum', { input: bytes, encoding: 'utf8' }).stdout, new RegExp(`^${cksum(bytes)} `, 'u'));
  }
});

test('what is no executable, or is signed already, is not signed', (t) => {
  t.throws(() => signAdHoc(Buffer.from('#!/bin/sh\n'), 'x'), { message: /not a 64-bit Mach-O/ });
  t.throws(() => signAdHoc(signAdHoc(smallExecutable(), 'x'), 'x'), { message: /signed already/ });
  const tight = smallExecutable();
  tight[32 + 2 * 72 + 3] = 1;
  t.throws(() => signAdHoc(tight, 'x'), { message: /no room/ });
});

test('an executable is signed page by page, at its end, inside __LINKEDIT', (t) => {
  const signed = signAdHoc(smallExecutable(), 'platform-probes.test');
  const [command, , offset = 0, bytes = 0] = [0, 4, 8, 12].map((at) => signed.readUInt32LE(32 + 2 * 72 + at));
  t.is(command, 0x1d);
  t.is(offset + bytes, signed.length);
  t.is(signed.readBigUInt64LE(32 + 72 + 40) + signed.readBigUInt64LE(32 + 72 + 48), BigInt(signed.length));
  const directory = offset + signed.readUInt32BE(offset + 16);
  t.is(signed.readUInt32BE(directory), 0xfade0c02);
  const [hashes = 0, name = 0, , pages = 0, limit] = [16, 20, 24, 28, 32].map((at) =>
    signed.readUInt32BE(directory + at),
  );
  t.is(limit, offset);
  t.is(signed.toString('latin1', directory + name, directory + name + 21), 'platform-probes.test\0');
  const hashed = Array.from({ length: pages }, (_, i) =>
    signed.toString('hex', directory + hashes + 32 * i, directory + hashes + 32 * (i + 1)),
  );
  const expected = Array.from({ length: pages }, (_, i) =>
    spawnSync('sha256sum', {
      input: signed.subarray(4096 * i, Math.min(4096 * (i + 1), offset)),
      encoding: 'utf8',
    }).stdout.slice(0, 64),
  );
  t.deepEqual(hashed, expected);
  t.is(pages, Math.ceil(offset / 4096));
});

/** A Mach-O of two segments, __TEXT and __LINKEDIT, with room for one more load command. */
function smallExecutable(): Buffer {
  const file = Buffer.alloc(0x4000 + 5000, 7);
  file.fill(0, 0, 0x1000);
  [0xfeedfacf, 0x0100000c, 0, 2, 2, 2 * 72].forEach((value, i) => file.writeUInt32LE(value, 4 * i));
  const segment = (at: number, name: string, offset: number, bytes: number): void => {
    file.writeUInt32LE(0x19, at);
    file.writeUInt32LE(72, at + 4);
    file.write(name, at + 8, 'latin1');
    file.writeBigUInt64LE(BigInt(offset), at + 40);
    file.writeBigUInt64LE(BigInt(bytes), at + 48);
  };
  segment(32, '__TEXT', 0, 0x4000);
  segment(32 + 72, '__LINKEDIT', 0x4000, 5000);
  return file;
}

interface Billed {
  readonly type: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly size: number;
  readonly checksum: number;
}

/** Reads the paths of a bill of materials. */
function readBill(bill: Buffer): Map<string, Billed> {
  const index = bill.readUInt32BE(16);
  const block = (number: number): Buffer => {
    const at = bill.readUInt32BE(index + 4 + 8 * number);
    return bill.subarray(at, at + bill.readUInt32BE(index + 8 + 8 * number));
  };
  const variables = new Map<string, number>();
  for (let at = bill.readUInt32BE(24) + 4, i = bill.readUInt32BE(bill.readUInt32BE(24)); i > 0; i--) {
    const length = bill[at + 4] ?? 0;
    variables.set(bill.toString('latin1', at + 5, at + 5 + length), bill.readUInt32BE(at));
    at += 5 + length;
  }
  const leaf = block(block(variables.get('Paths') ?? 0).readUInt32BE(8));
  const names = new Map<number, string>();
  const paths = new Map<string, Billed>();
  for (let i = 0; i < leaf.readUInt16BE(2); i++) {
    const value = block(leaf.readUInt32BE(12 + 8 * i));
    const key = block(leaf.readUInt32BE(16 + 8 * i));
    const info = block(value.readUInt32BE(4));
    const name = key.toString('latin1', 4, key.length - 1);
    const parent = key.readUInt32BE(0);
    const full = parent === 0 ? name : `${names.get(parent)}/${name}`;
    names.set(value.readUInt32BE(0), full);
    const numbers = [6, 10, 14, 18].map((at) => info.readUInt32BE(at));
    paths.set(full, {
      type: info[0] ?? 0,
      mode: info.readUInt16BE(4),
      uid: numbers[0] ?? -1,
      gid: numbers[1] ?? -1,
      mtime: numbers[2] ?? 0,
      size: numbers[3] ?? -1,
      checksum: info.readUInt32BE(23),
    });
  }
  return paths;
}
