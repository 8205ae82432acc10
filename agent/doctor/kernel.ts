import { existsSync, readFileSync } from 'node:fs';
import { reasonOf } from '../errors.ts';
import { loadFfi } from '../ffi.ts';
import { findingsOf, type Finding } from './finding.ts';

/** The first Linux with a BPF ring buffer. */
const LEAST = { major: 5, minor: 8 };

/** Facts about the system; replaced in tests. */
export interface KernelView {
  readonly platform: NodeJS.Platform;
  readonly release: string;
  /** A file of sysfs or securityfs; undefined where there is none that this user may read. */
  readonly read: (file: string) => string | undefined;
  readonly exists: (file: string) => boolean;
}

export const read = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

export const exists = existsSync;

/** Whether the kernel can run the probe. */
export function checkKernel({ platform, release, read: readFile, exists: isThere }: KernelView): Finding[] {
  const { ok, problem, skipped } = findingsOf('kernel');
  if (platform !== 'linux') return [skipped(`${platform} ${release}: what follows about the kernel is for Linux`)];
  const [major = 0, minor = 0] = release.split('.').map(Number);
  if (major < LEAST.major || (major === LEAST.major && minor < LEAST.minor))
    return [problem(`Linux ${release} has no BPF ring buffer`, 'use Linux 5.8 or newer')];
  if (!isThere('/sys/kernel/btf/vmlinux'))
    return [
      problem(
        `Linux ${release} does not describe its own types: /sys/kernel/btf/vmlinux is missing`,
        'use a kernel that was built with CONFIG_DEBUG_INFO_BTF=y; in a container, mount /sys',
      ),
    ];
  // kernel_lockdown(7): in this mode, programs of BPF may not read memory of the kernel.
  if (readFile('/sys/kernel/security/lockdown')?.includes('[confidentiality]') === true)
    return [
      problem('the kernel is locked down for confidentiality, which forbids probes', 'boot with lockdown=integrity'),
    ];
  return [ok(`Linux ${release}, with BTF`)];
}

/** Whether the library that loads the probe is there. @param isInUse whether a helper runs, which has loaded it */
export function checkLibbpf(
  isInUse: boolean,
  load: (name: string) => unknown = (name) => loadFfi().load(name),
): Finding {
  const { ok, problem } = findingsOf('libbpf');
  if (isInUse) return ok('the helper that runs has loaded it');
  try {
    load('libbpf.so.1');
    return ok('libbpf.so.1 can be loaded');
  } catch (error) {
    return problem(
      `libbpf.so.1 cannot be loaded: ${reasonOf(error)}`,
      'install it: apt-get install libbpf1 (Debian, Ubuntu), dnf install libbpf (Fedora)',
    );
  }
}
