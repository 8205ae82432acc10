import { existsSync } from 'node:fs';
import { release } from 'node:os';
import test, { type ExecutionContext } from 'ava';

/** What a test needs of the machine: undefined when it is there, else the reason for skipping. */
type Requirement = () => string | undefined;

const root: Requirement = () => (process.getuid?.() === 0 ? undefined : 'needs root');

const bpfKernel: Requirement = () =>
  process.platform !== 'linux'
    ? 'needs Linux'
    : existsSync('/sys/kernel/btf/vmlinux')
      ? undefined
      : 'needs a kernel with BTF in /sys/kernel/btf/vmlinux';

const tracefs: Requirement = () =>
  existsSync('/sys/kernel/tracing/events/syscalls')
    ? undefined
    : 'needs tracefs with syscall events on /sys/kernel/tracing';

const pinnableTracepoints: Requirement = () => {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return major > 5 || (major === 5 && minor >= 15)
    ? undefined
    : 'needs Linux 5.15, from which on links of tracepoints can be pinned';
};

/** Declares a test that is skipped, with the reason in its title, where the machine lacks what it needs. */
function requiring(
  ...requirements: Requirement[]
): (title: string, run: (t: ExecutionContext) => void | Promise<void>) => void {
  return (title, run) => {
    const missing = requirements.map((requirement) => requirement()).find((reason) => reason !== undefined);
    if (missing === undefined) test.serial(title, run);
    else test.serial.skip(`[skipped: ${missing}] ${title}`, run);
  };
}

/** As root. */
export const rootTest = requiring(root);

/** On the real kernel, as root. */
export const kernelTest = requiring(root, bpfKernel);

/** The same, with the syscall tracepoints. */
export const tracepointTest = requiring(root, bpfKernel, tracefs);

/** With the syscall tracepoints pinned. */
export const pinnedTracepointTest = requiring(root, bpfKernel, tracefs, pinnableTracepoints);
