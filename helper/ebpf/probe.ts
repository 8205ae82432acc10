import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { HelperError } from '../errors.ts';
import type { Koffi } from '../ffi/koffi.ts';
import { bindLibbpf, type Handle, type Libbpf } from './libbpf.ts';
import { KINDS } from './record.ts';

/** What outlives the privileged stage: descriptors, and what hello says of them. */
export interface ProbeHandles {
  readonly ring: number;
  readonly ringBytes: number;
  readonly counters: number;
  readonly cpus: number;
  readonly backlog: number;
  readonly backlogBytes: number;
  /** One per attached program: while a link's descriptor is open, its program stays attached. */
  readonly links: readonly number[];
  readonly programs: Readonly<Record<string, number>>;
  readonly sha256: string;
}

export interface ProbeOptions {
  readonly ringBytes: number;
  readonly backlogBytes: number;
  readonly failures: boolean;
}

const FAILURE_PROGRAMS = ['on_execve', 'on_execveat', 'on_execve_return', 'on_execveat_return'];
const BACKLOG_PAGE_BYTES = 4096;
const LOG_BYTES = 64 * 1024;

/**
 * Loads the compiled probe and attaches it. Needs root (CAP_BPF and CAP_PERFMON;
 * for the syscall tracepoints also tracefs). The descriptors belong to the
 * caller; closing the links detaches the probe.
 * @throws {HelperError}
 */
export function attachProbe(koffi: Koffi, file: string, options: ProbeOptions): ProbeHandles {
  if (!existsSync('/sys/kernel/btf/vmlinux')) {
    throw new HelperError('HELPER_NO_BTF', 'the kernel offers no type information in /sys/kernel/btf/vmlinux. A kernel of 5.8 or newer with CONFIG_DEBUG_INFO_BTF=y is needed; the kernels of Debian, Ubuntu and Fedora have it.');
  }
  if (options.failures && !existsSync('/sys/kernel/tracing/events')) {
    throw new HelperError('HELPER_NO_TRACEFS', '--failures needs tracefs. Mount it: mount -t tracefs tracefs /sys/kernel/tracing');
  }
  const bpf = bindLibbpf(koffi);
  const bytes = readFileSync(file);
  const object: Handle = bpf.open(bytes, bytes.length, null);
  if (object === null) throw refused('read', bpf.errno());

  const names = ['on_exec', ...(options.failures ? FAILURE_PROGRAMS : [])];
  const cpus = bpf.possible_cpus();
  const log = Buffer.alloc(LOG_BYTES);
  for (const name of names) {
    const program = bpf.program(object, name);
    bpf.set_autoload(program, true);
    bpf.set_log(program, log, log.length);
  }
  bpf.set_entries(bpf.map(object, 'ring'), options.ringBytes);
  bpf.set_entries(bpf.map(object, 'counters'), cpus * KINDS);
  bpf.set_entries(bpf.map(object, 'backlog'), options.backlogBytes / BACKLOG_PAGE_BYTES);
  if (!options.failures) bpf.set_autocreate(bpf.map(object, 'attempts'), false);

  const failed = bpf.load(object);
  if (failed < 0) throw refused('load', -failed, lastLine(log));
  const fd = (map: string): number => bpf.map_fd(bpf.map(object, map));
  // From here on no process can write the counters, by call or by mapping; the probe still can.
  // (A map made read-only for user space, BPF_F_RDONLY, cannot be mapped at all.)
  const frozen = bpf.freeze(fd('counters'));
  if (frozen < 0) throw refused('freeze the counters of', -frozen);
  const links = names.map((name) => attach(bpf, object, name));
  return {
    ring: fd('ring'),
    ringBytes: options.ringBytes,
    counters: fd('counters'),
    cpus,
    backlog: fd('backlog'),
    backlogBytes: options.backlogBytes,
    links,
    programs: Object.fromEntries(names.map((name) => [name, bpf.program_fd(bpf.program(object, name))])),
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}

function attach(bpf: Libbpf, object: Handle, name: string): number {
  const link = bpf.attach(bpf.program(object, name));
  if (link === null) throw refused(`attach ${name} of`, bpf.errno());
  return bpf.link_fd(link);
}

/** What an administrator can do about the errors that a probe meets in the field. */
const ADVICE: Readonly<Record<number, string>> = {
  1: 'The kernel may be locked down for confidentiality, or a container lacks CAP_BPF and CAP_PERFMON.',
  3: 'The kernel offers no usable BTF type information; see /sys/kernel/btf/vmlinux.',
  12: 'There is not enough memory for the ring; try a smaller --ring.',
  22: 'The kernel is older than 5.8, or locked down for confidentiality (see /sys/kernel/security/lockdown).',
};

function refused(step: string, errno: number, log = ''): HelperError {
  const advice = ADVICE[errno] ?? 'Please report this with the kernel release (uname -r).';
  return new HelperError('HELPER_PROBE_REFUSED', `cannot ${step} the probe: errno ${errno}${log && ` (${log})`}. ${advice}`);
}

function lastLine(log: Buffer): string {
  const end = log.indexOf(0);
  const lines = log.toString('latin1', 0, end === -1 ? log.length : end).trimEnd().split('\n');
  return lines.findLast((line) => !line.startsWith('processed ')) ?? '';
}
