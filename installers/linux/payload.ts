import { globSync, lstatSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';

import { linuxTarget } from '../programs/programs.ts';
import { makeRelease } from '../programs/release.ts';
import { inCheckout } from '../tools/root-folder.ts';
import type { TreeEntry } from '../tools/tree.ts';

/** The architectures for which Linux packages are made, by Node.js's names. */
export type LinuxArchitecture = 'x64' | 'arm64';

/** The folder of the programs, below the root. Only root can write to it. */
export const LIBEXEC = 'usr/libexec/platform-probes';

/** Files that are installed as they stand here, at the same path below the root. */
const ROOT_FILES = inCheckout('installers/linux/root');

/** Where people and services find the programs. The programs themselves lie beside the files that they need. */
const COMMANDS: readonly TreeEntry[] = [
  { path: 'usr/bin/probes-agent', mode: 0o777, link: '../libexec/platform-probes/probes-agent' },
  { path: 'usr/sbin/probes-helper', mode: 0o777, link: '../libexec/platform-probes/probes-helper' },
];

/** The example is the configuration that an installation begins with. */
const CONFIGURATION: TreeEntry = {
  path: 'etc/platform-probes/agent.yaml',
  mode: 0o644,
  data: readFileSync(inCheckout('agent/agent.example.yaml')),
};

/** Every file of an installation on Linux, without the folders above them: the same in the .deb, the .rpm and the image. */
export async function linuxPayload(architecture: LinuxArchitecture): Promise<TreeEntry[]> {
  return [...commonFiles(), ...(await programs(architecture))];
}

/** Those that are the same on every architecture. */
export function commonFiles(): TreeEntry[] {
  return [...filesBelow(ROOT_FILES), CONFIGURATION, ...COMMANDS];
}

async function programs(architecture: LinuxArchitecture): Promise<TreeEntry[]> {
  const dist = await makeRelease(linuxTarget(architecture), { force: false });
  return filesBelow(dist).map((entry) => ({ ...entry, path: path.join(LIBEXEC, entry.path) }));
}

/** All files and links below a folder, with paths relative to it. A file is 0755 when its owner may execute it, else 0644: the rest of a checkout's modes depends on the umask. */
function filesBelow(folder: string): TreeEntry[] {
  return globSync('**/*', { cwd: folder, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      const name = path.relative(folder, file);
      if (entry.isSymbolicLink()) return { path: name, mode: 0o777, link: readlinkSync(file) };
      const mode = (lstatSync(file).mode & 0o100) === 0 ? 0o644 : 0o755;
      return { path: name, mode, data: readFileSync(file) };
    })
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}
