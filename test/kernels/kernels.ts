/** A Debian suite's kernel. */
export interface Kernel {
  /** Its name for `--kernel`. */
  readonly name: string;
  readonly suite: string;
}

/** Oldest first. Suites get newer kernels of their series; the results name the release that was run. */
export const KERNELS: readonly Kernel[] = [
  { name: '5.10', suite: 'bullseye' },
  { name: '6.1', suite: 'bookworm' },
  { name: '6.12', suite: 'trixie' },
  { name: 'newest', suite: 'sid' },
];

/** Debian's kernels for virtual machines: a tenth of the size of the others, and with virtiofs. */
export const FLAVOUR = 'cloud-amd64';
