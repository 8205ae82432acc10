import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

import { CACHE } from '../../../installers/tools/cache.ts';
import { progress } from '../../../installers/tools/progress.ts';

/** Older Wine cannot run Node.js 24: its memory reservation is refused. */
const SUITE = 'trixie';
const PACKAGES = ['libwine', 'wine64', 'libc6', 'libgcc-s1', 'libunwind8', 'liblzma5', 'zlib1g', 'libz-mingw-w64'];
const ARCHITECTURE = 'x86_64-linux-gnu';
/** Raised when what is put into the tree changes. */
const TREE = 'wine-10-1';

/**
 * A folder to change root into, with Wine 10 and its libraries from Debian 13 and nothing
 * else. Debian's own packages, fetched once from the mirror that this machine uses; the
 * system itself is left as it is.
 */
export function wineTree(): string {
  const tree = path.join(CACHE, TREE);
  if (existsSync(tree)) return tree;
  progress('Fetching Wine 10 (about 115 MB, once)');
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(`${tree}-`);
  try {
    const root = path.join(work, 'root');
    mkdirSync(root);
    const archives = fetchPackages(work);
    for (const archive of archives) run('dpkg-deb', ['-x', archive, root]);
    finish(root);
    renameSync(root, tree);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return tree;
}

/** With state and lists of its own, so that apt's knowledge of this system is not touched. */
function fetchPackages(work: string): string[] {
  const state = path.join(work, 'apt');
  for (const folder of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(path.join(state, folder), { recursive: true });
  writeFileSync(
    path.join(state, 'sources.list'),
    `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror()} ${SUITE} main\n`,
  );
  writeFileSync(path.join(state, 'status'), '');
  const settings = {
    'Dir::State': state,
    'Dir::State::lists': path.join(state, 'lists'),
    'Dir::State::status': path.join(state, 'status'),
    'Dir::Cache': path.join(state, 'cache'),
    'Dir::Etc::sourcelist': path.join(state, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'APT::Sandbox::User': 'root',
    'APT::Architecture': 'amd64',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
  };
  const options = ['-qq', ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
  run('apt-get', [...options, 'update']);
  const archives = path.join(state, 'cache/archives');
  run('apt-get', [...options, 'download', ...PACKAGES], archives);
  return readdirSync(archives)
    .filter((name) => name.endsWith('.deb'))
    .map((name) => path.join(archives, name));
}

/** The first mirror that apt uses, in either form of its lists. */
function mirror(): string {
  const folder = '/etc/apt/sources.list.d';
  const texts = [
    '/etc/apt/sources.list',
    ...(existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : []),
  ]
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8'));
  for (const text of texts) {
    const found = /^URIs:\s*(\S+)/m.exec(text)?.[1] ?? /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)/m.exec(text)?.[1];
    if (found !== undefined) return found;
  }
  throw new Error('apt has no mirror from which Wine could be fetched');
}

/** The steps of the packages' own installation. */
function finish(root: string): void {
  for (const name of ['bin', 'lib', 'lib64', 'sbin'])
    if (!existsSync(path.join(root, name))) symlinkSync(`usr/${name}`, path.join(root, name));
  for (const name of ['proc', 'dev', 'tmp', 'root', 'etc']) mkdirSync(path.join(root, name), { recursive: true });
  writeFileSync(path.join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(path.join(root, 'etc/hosts'), '127.0.0.1 localhost\n');
  // Wine takes the library for its own only with its mark behind the DOS header.
  const zlib = readFileSync(path.join(root, 'usr/x86_64-w64-mingw32/lib/zlib1.dll'));
  zlib.fill(0, 64, 96);
  zlib.write('Wine builtin DLL', 64, 'latin1');
  writeFileSync(path.join(root, 'usr/lib', ARCHITECTURE, 'wine/x86_64-windows/zlib1.dll'), zlib);
  for (const name of [
    'x86_64-w64-mingw32',
    'i686-w64-mingw32',
    'share/doc',
    'share/man',
    'share/locale',
    `lib/${ARCHITECTURE}/wine/i386-windows`,
  ]) {
    rmSync(path.join(root, 'usr', name), { recursive: true, force: true });
  }
}

/** A Windows drive that has been set up once; every test gets a copy. */
export async function wineDrive(tree: string, make: (drive: string) => Promise<void>): Promise<string> {
  const drive = `${tree}-drive`;
  if (!existsSync(drive)) {
    progress('Setting up a Windows drive (once)');
    const work = mkdtempSync(`${drive}-`);
    await make(work);
    renameSync(work, drive);
  }
  return drive;
}

/** Copies a drive, links as links. */
export function copyDrive(from: string, to: string): void {
  cpSync(from, to, { recursive: true, verbatimSymlinks: true });
}

function run(command: string, args: readonly string[], cwd?: string): void {
  const result = spawnSync(command, args, { encoding: 'utf8', cwd });
  if (result.status !== 0)
    throw new Error(`${command} ${args[args.length - 1]} failed: ${result.error?.message ?? result.stderr.trim()}`);
}
