import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { release } from 'node:os';
import test, { type ExecutionContext } from 'ava';
import { fixture } from './fixtures.ts';
import { hasCommand } from '../../installers/tools/system-packages.ts';

/** Whether the machine has what a test needs: undefined when it has, else the reason for skipping. */
type Requirement = () => string | undefined;

export const root: Requirement = () => (process.getuid?.() === 0 ? undefined : 'needs root');

export const bpfKernel: Requirement = () =>
  process.platform !== 'linux'
    ? 'needs Linux'
    : existsSync('/sys/kernel/btf/vmlinux')
      ? undefined
      : 'needs a kernel with BTF in /sys/kernel/btf/vmlinux';

const tracefs: Requirement = () =>
  existsSync('/sys/kernel/tracing/events/syscalls')
    ? undefined
    : 'needs tracefs with syscall events on /sys/kernel/tracing';

const sinceLinux = (first: number, second: number, why: string): Requirement => {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const isThere = major > first || (major === first && minor >= second);
  return () => (isThere ? undefined : `needs Linux ${first}.${second}, from which on ${why}`);
};

const pinnableTracepoints = sinceLinux(5, 15, 'links of tracepoints can be pinned');

/** Before, libbpf 1.1 (Debian 12) looks for functions that the kernel lacks in all its modules, which takes CAP_SYS_ADMIN. */
const fewCapabilities = sinceLinux(6, 4, 'libbpf 1.1 needs no CAP_SYS_ADMIN');

const preemptionFunctions = sinceLinux(6, 10, 'programs can disable preemption, and further programs do something');

/** Kernels for 64-bit ARM run no 32-bit programs where a page is larger than 4 KiB (CONFIG_COMPAT). */
export const images32: Requirement = () =>
  spawnSync(fixture('image-32', '-m32', '-nostdlib')).status === 0
    ? undefined
    : 'needs a kernel that runs 32-bit programs';

/** The calls of 32-bit programs, made by a 64-bit one. */
export const calls32: Requirement = () =>
  process.arch === 'x64' ? undefined : 'needs x86-64, where 64-bit programs can make 32-bit system calls';

const compiler: Requirement = () =>
  ['clang-14', 'llvm-strip-14'].every((program) => spawnSync(program, ['--version']).status === 0)
    ? undefined
    : 'needs clang-14 and llvm-14';

/** A program of the system; `file` is one of its own where the program alone is not enough. */
export const command =
  (name: string, file?: string): Requirement =>
  () =>
    hasCommand(name) && (file === undefined || existsSync(file)) ? undefined : `needs ${file ?? name}`;

/** Declares a test that is skipped, with the reason in its title, where the machine lacks what it needs. */
export function requiring(
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

/** Where a further program on a tracepoint can have something to tell. */
export const furtherProgramTest = requiring(root, bpfKernel, preemptionFunctions);

/** Where five capabilities are enough for the helper. */
export const fewCapabilitiesTest = requiring(root, bpfKernel, fewCapabilities);

/** Where the kernel runs 32-bit programs. */
export const images32Test = requiring(root, bpfKernel, images32);

/** Where a 64-bit program can make 32-bit system calls. */
export const calls32Test = requiring(root, bpfKernel, calls32);

/** With the compiler of the probe. */
export const compiledProbeTest = requiring(root, bpfKernel, compiler);

/** With a program of the system, and a file that it needs. */
export const testWith = (name: string, file?: string): ReturnType<typeof requiring> => requiring(command(name, file));
