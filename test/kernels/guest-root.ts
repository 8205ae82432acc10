import { debianRoot } from './debian-root.ts';
import type { Kernel } from './kernels.ts';

/** Programs that the tests run, and the libraries of ours. */
const PACKAGES: readonly string[] = [
  'bsdutils',
  'busybox-static',
  'libbpf1',
  'libcap2-bin',
  'libstdc++6',
  'mount',
  'passwd',
  'procps',
  'python3',
  'strace',
];

/**
 * The root file system for a kernel: for this machine's architecture its own, so undefined; for another one a Debian of
 * the suite that the kernel is of.
 */
export function guestRoot({ architecture, suite }: Kernel, renew: boolean): string | undefined {
  if (architecture === process.arch) return undefined;
  return debianRoot({ suite, purpose: `kernels-${architecture}`, packages: PACKAGES, architecture }, renew);
}
