import path from 'node:path';

import type { LinuxArchitecture } from '../linux/payload.ts';
import type { TreeEntry } from '../tools/tree.ts';
import { lockedPackages, packageContents, type LockedPackage } from './debian-packages.ts';

/** Each architecture's folder of libraries. */
const LIBRARIES: Readonly<Record<LinuxArchitecture, string>> = {
  x64: 'usr/lib/x86_64-linux-gnu',
  arm64: 'usr/lib/aarch64-linux-gnu',
};

/** Files that the image takes from Debian's packages: the libraries that the programs need, and what must go with them. */
export const BASE_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  // The release of Debian, for programs that look for vulnerabilities; the texts that copyright files refer to.
  'base-files': ['etc/debian_version', 'etc/os-release', 'usr/lib/os-release', 'usr/share/common-licenses/*'],
  'libc6': [
    'LIB/{ld-linux-*,libc.so.6,libdl.so.2,libm.so.6,libpthread.so.0}',
    'usr/lib64/ld-linux-*',
    'usr/lib/ld-linux-*',
  ],
  'libgcc-s1': ['LIB/libgcc_s.so.1'],
  'libstdc++6': ['LIB/libstdc++.so.6*'],
  // The copyright of the two above.
  'gcc-14-base': [],
  'libbpf1': ['LIB/libbpf.so.1*'],
  'libelf1t64': ['LIB/libelf*.so*'],
  'zlib1g': ['LIB/libz.so.1*'],
  'libzstd1': ['LIB/libzstd.so.1*'],
};

/**
 * The users of the image. systemd and Debian assign no numbers from 60578 to 61183 (systemd.io/UIDS-GIDS), so no
 * account of a machine that shares its processes with the container should have them.
 */
export const IDS = { probes: 60800, helper: 60801, agent: 60802 } as const;

const text = (at: string, data: string): TreeEntry => ({ path: at, mode: 0o644, data: Buffer.from(data) });

/** Files that the programs expect of a system, and that no package brings. */
const SYSTEM: readonly TreeEntry[] = [
  { path: 'lib', mode: 0o777, link: 'usr/lib' },
  { path: 'lib64', mode: 0o777, link: 'usr/lib64' },
  text(
    'etc/passwd',
    `root:x:0:0:root:/:/nonexistent
probes-helper:x:${IDS.helper}:${IDS.helper}:Platform Probes helper:/nonexistent:/nonexistent
probes-agent:x:${IDS.agent}:${IDS.probes}:Platform Probes agent:/nonexistent:/nonexistent
`,
  ),
  text('etc/group', `root:x:0:\nprobes:x:${IDS.probes}:probes-agent\nprobes-helper:x:${IDS.helper}:\n`),
  // There are no other users to ask for, and no program to ask with.
  text('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'),
  // Where container engines mount; on a read-only root they cannot make the folders.
  ...['dev', 'proc', 'run', 'sys', 'usr/lib64'].map((at) => ({ path: at, mode: 0o755 })),
];

/** The layer below the product: of Debian, and what makes it a system. */
export function baseLayer(architecture: LinuxArchitecture): TreeEntry[] {
  return [...SYSTEM, ...lockedPackages(architecture).flatMap((locked) => partOf(locked, LIBRARIES[architecture]))];
}

function partOf(locked: LockedPackage, libraries: string): TreeEntry[] {
  const patterns = BASE_PACKAGES[locked.name];
  if (patterns === undefined) throw new Error(`debian-packages.json: the image takes nothing of ${locked.name}`);
  const documents = [`usr/share/doc/${locked.name}`, `usr/share/doc/${locked.name}/copyright`];
  const wanted = patterns.map((pattern) => pattern.replace('LIB', libraries));
  const { entries, control } = packageContents(locked, [...wanted, ...documents]);
  for (const pattern of wanted.filter((each) => each.startsWith(libraries)))
    if (!entries.some((entry) => path.matchesGlob(entry.path, pattern)))
      throw new Error(`${locked.name} ${locked.version} has no ${pattern}`);
  // In the form in which scanners of images without dpkg look for packages.
  return [...entries, text(`var/lib/dpkg/status.d/${locked.name}`, control)];
}
