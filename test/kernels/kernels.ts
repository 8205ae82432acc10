/** A Debian suite's kernel. */
export interface Kernel {
  /** What `--kernel` calls it. */
  readonly name: string;
  readonly suite: string;
}

/** Oldest first. A suite's kernel moves on within its series; the results name the release that was run. */
export const KERNELS: readonly Kernel[] = [
  { name: '5.10', suite: 'bullseye' },
  { name: '6.1', suite: 'bookworm' },
  { name: '6.12', suite: 'trixie' },
  { name: 'newest', suite: 'sid' },
];

/** Debian's kernels for virtual machines: a tenth of the size of the others, and with virtiofs. */
export const FLAVOUR = 'cloud-amd64';
