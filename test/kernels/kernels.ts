import type { LinuxArchitecture } from '../../installers/linux/payload.ts';

/** A Debian suite's kernel. */
export interface Kernel {
  /** Its name for `--kernel`. */
  readonly name: string;
  readonly architecture: LinuxArchitecture;
  readonly suite: string;
  /** Which of the suite's kernels: the end of its package's name. */
  readonly flavour: string;
}

/** Debian's kernels for virtual machines: a tenth of the size of the others, and with virtiofs. */
const CLOUD: Readonly<Record<LinuxArchitecture, string>> = { x64: 'cloud-amd64', arm64: 'cloud-arm64' };

/** A suite's kernel for virtual machines. */
export const cloudKernel = (name: string, suite: string, architecture: LinuxArchitecture = 'x64'): Kernel => ({
  name,
  architecture,
  suite,
  flavour: CLOUD[architecture],
});

/** By architecture, oldest first. Suites get newer kernels of their series; the results name the release that was run. */
export const KERNELS: readonly Kernel[] = [
  cloudKernel('5.10', 'bullseye'),
  cloudKernel('6.1', 'bookworm'),
  cloudKernel('6.12', 'trixie'),
  cloudKernel('newest', 'sid'),
  cloudKernel('6.1', 'bookworm', 'arm64'),
  cloudKernel('6.12', 'trixie', 'arm64'),
  { name: '6.12-16k', architecture: 'arm64', suite: 'trixie', flavour: 'arm64-16k' },
];

/** @throws {Error} when there is none of that name */
export function kernelNamed(name: string, architecture: LinuxArchitecture = 'x64'): Kernel {
  const ofArchitecture = KERNELS.filter((kernel) => kernel.architecture === architecture);
  const found = ofArchitecture.find((kernel) => kernel.name === name);
  if (found === undefined)
    throw new Error(
      `no kernel "${name}" for ${architecture}: expected one of ${ofArchitecture.map((kernel) => kernel.name).join(', ')}`,
    );
  return found;
}

/** The architectures that KERNELS has. */
export const ARCHITECTURES: readonly LinuxArchitecture[] = ['x64', 'arm64'];
