import { existsSync } from 'node:fs';
import path from 'node:path';

import { inCheckout } from '../root-folder.ts';

/** A program of the product: one entry file becomes one executable. */
export interface Program {
  readonly name: string;
  readonly entry: string;
  /** Node.js options that are part of the executable and cannot be changed from outside. */
  readonly nodeOptions: readonly string[];
}

/** A file of dist/ that is copied as it is. */
interface CopiedFile {
  readonly name: string;
  readonly from: string;
  /** What to do when it is missing. */
  readonly remedy: string;
}

/** What is built on one platform. */
export interface Target {
  readonly platform: 'linux';
  readonly arch: 'x64' | 'arm64';
  readonly programs: readonly Program[];
  readonly copiedFiles: readonly CopiedFile[];
}

/**
 * Why the options: --jitless lets the service forbid memory that is both
 * writable and executable; the smallest young generation keeps garbage, of which
 * every event makes a little, from growing first; SIGUSR1 would open the inspector on a port; the
 * OpenSSL configuration named by the environment may load a library.
 */
export const PROGRAMS: readonly Program[] = [
  {
    name: 'probes-helper',
    entry: 'helper/main.ts',
    nodeOptions: ['--jitless', '--max-semi-space-size=1', '--disable-sigusr1', '--openssl-config=/dev/null'],
  },
  { name: 'probes-agent', entry: 'agent/main.ts', nodeOptions: ['--disable-sigusr1'] },
];

/** The target of a build on this machine. */
export function hostTarget(): Target {
  const { platform, arch } = process;
  if (platform !== 'linux' || (arch !== 'x64' && arch !== 'arm64')) {
    throw new Error(`${platform} ${arch} is not a platform to build for; build on Linux x64 or arm64`);
  }
  return {
    platform,
    arch,
    programs: PROGRAMS,
    copiedFiles: [
      { name: 'exec.bpf.o', from: inCheckout('bpf/exec.bpf.o'), remedy: 'npm run build:bpf makes it' },
      { name: 'koffi.node', from: koffiAddon(platform, arch), remedy: 'npm ci installs it' },
    ],
  };
}

/** koffi keeps one addon a C library; the other one is for musl, on which Node.js's own packages do not run. */
function koffiAddon(platform: 'linux', arch: 'x64' | 'arm64'): string {
  return inCheckout('node_modules/@koromix', `koffi-${platform}-${arch}`, `${platform}_${arch}`, 'koffi.node');
}

/** Refuses to go on when a source of the build is missing. */
export function assertSourcesExist(target: Target): void {
  const sources = [
    ...target.programs.map(({ entry }) => ({ file: inCheckout(entry), remedy: 'the checkout is incomplete' })),
    ...target.copiedFiles.map(({ from, remedy }) => ({ file: from, remedy })),
  ];
  for (const { file, remedy } of sources) {
    if (!existsSync(file)) throw new Error(`cannot build: ${path.relative(inCheckout(), file)} is not there; ${remedy}`);
  }
}
