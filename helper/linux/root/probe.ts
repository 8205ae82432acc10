import { createHash } from 'node:crypto';
import { closeSync, existsSync, readFileSync, readSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { HelperError } from '../../errors.ts';
import type { Koffi } from '../../koffi.ts';
import { readFdinfo } from '../fdinfo.ts';
import { bindLibbpf, type Handle, type Libbpf } from './libbpf.ts';
import {
  LASTING_MAPS,
  linkPinPath,
  linkPins,
  mapPin,
  removeOtherLayouts,
  unpinOnFailure,
  type LinkPin,
} from './pins.ts';
import { FAILURE_PROGRAMS, programNames, SNAPSHOT_PROGRAM, type ProgramFlags } from '../programs.ts';
import { say } from '../../say.ts';
import { KINDS } from '../layout.ts';
import { recoveredEvents, skippedRuns, type SkipBaseline } from './skips.ts';

/** The results that outlive the privileged stage: descriptors, and facts for hello. */
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
  /** The variables to tell. */
  readonly env: readonly string[];
  /** Of the object file. */
  readonly sha256: string;
  /** The counts from which skipped events are told; absent where a predecessor's programs go on as they were. */
  readonly baseline?: SkipBaseline | undefined;
}

export interface ProbeOptions extends ProgramFlags {
  readonly ringBytes: number;
  readonly backlogBytes: number;
  /** Where to pin the probe, so that it stays when no helper runs; undefined: nowhere. */
  readonly pins: string | undefined;
}

const BACKLOG_PAGE_BYTES = 4096;
const EPERM = 1;
const EINVAL = 22;
const LOG_BYTES = 64 * 1024;

/**
 * Maps that only the probe may write to: all except the ring, in which the helper moves the reading position, and the
 * helper's own backlog.
 */
const FROZEN_MAPS = ['counters', 'last_events', 'reported_processes', 'attempts', 'scratches'];

/**
 * Attaches the compiled probe, or takes over the one that a predecessor left pinned. Needs root (CAP_BPF and
 * CAP_PERFMON; for the syscall tracepoints also tracefs). The descriptors belong to the caller; without pins, closing
 * the links detaches the probe.
 * @throws {HelperError}
 */
export function openProbe(koffi: Koffi, file: string, options: ProbeOptions): ProbeHandles {
  if (!existsSync('/sys/kernel/btf/vmlinux')) {
    throw new HelperError(
      'HELPER_NO_BTF',
      'the kernel offers no type information in /sys/kernel/btf/vmlinux. A kernel of 5.8 or newer with CONFIG_DEBUG_INFO_BTF=y is needed; the kernels of Debian, Ubuntu and Fedora have it.',
    );
  }
  if (options.failures && !existsSync('/sys/kernel/tracing/events')) {
    throw new HelperError(
      'HELPER_NO_TRACEFS',
      '--failures needs tracefs. Mount it: mount -t tracefs tracefs /sys/kernel/tracing',
    );
  }
  const bpf = bindLibbpf(koffi);
  const bytes = readFileSync(file);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const names = programNames(options);
  const pinned = options.pins === undefined ? [] : linkPins(options.pins);
  const current = names.map((name) =>
    pinned.findLast(({ program, object }) => program === name && object === sha256.slice(0, 12)),
  );

  const taken = current.every((pin) => pin !== undefined)
    ? resume(bpf, options.pins as string, names, current)
    : undefined;
  const loaded = taken ?? unpinOnFailure(options.pins, () => attach(bpf, bytes, sha256, names, options));
  const kept = taken === undefined ? [] : current;
  // Only now, so that for a moment both builds of the probe are attached, and never none.
  const stale = pinned.filter(({ file: pin }) => !kept.some((other) => other?.file === pin));
  for (const { file: pin } of stale) unlinkSync(pin);
  // Until now the predecessor's programs told the events at which the kernel skipped ours.
  const baseline =
    stale.length === 0
      ? loaded.baseline
      : { recovered: recoveredEvents(bpf, loaded.counters), skipped: skippedRuns(loaded.programs) };
  if (options.pins !== undefined && removeOtherLayouts(options.pins)) {
    say('removed the pins of an incompatible version; its events that no helper had read are lost and not counted');
  }
  return {
    ...loaded,
    env: options.env,
    baseline,
    ringBytes: entriesOf(loaded.ring),
    cpus: bpf.possible_cpus(),
    backlogBytes: entriesOf(loaded.backlog) * BACKLOG_PAGE_BYTES,
    sha256,
  };
}

type Loaded = Pick<ProbeHandles, 'ring' | 'counters' | 'backlog' | 'links' | 'programs' | 'baseline'>;

/**
 * Whether the kernel gets this map. Do not ask libbpf: since 1.5 it has a descriptor also for a map that it did not make,
 * which is no map.
 */
const isMade = (map: string, { failures }: ProbeOptions): boolean => map !== 'attempts' || failures;

/**
 * Opens pinned programs and maps, which are attached already. Returns undefined where the kernel does not let this
 * process open the programs, which takes CAP_SYS_ADMIN (BPF_PROG_GET_FD_BY_ID in kernel/bpf/syscall.c); to load and
 * attach them anew takes less.
 */
function resume(bpf: Libbpf, folder: string, names: readonly string[], pins: readonly LinkPin[]): Loaded | undefined {
  const get = (file: string): number => {
    const fd = bpf.get(file);
    if (fd < 0) throw refused(`open the pin ${file} of`, -fd);
    return fd;
  };
  const links = pins.map(({ file }) => get(file));
  const programs = links.map((link) => bpf.program_by_id(Number(readFdinfo(link).get('prog_id'))));
  const failed = programs.find((program) => program < 0);
  if (failed === -EPERM) {
    for (const fd of [...links, ...programs]) if (fd >= 0) closeSync(fd);
    return undefined;
  }
  if (failed !== undefined) throw refused('open the programs of', -failed);
  const map = (name: string): number => get(path.join(folder, mapPin(name)));
  return {
    ring: map('ring'),
    counters: map('counters'),
    backlog: map('backlog'),
    links,
    programs: Object.fromEntries(names.map((name, i) => [name, programs[i] as number])),
  };
}

/** Loads the object and attaches its programs; with pins, on the maps that are pinned. */
function attach(bpf: Libbpf, bytes: Buffer, sha256: string, names: readonly string[], options: ProbeOptions): Loaded {
  const object: Handle = bpf.open(bytes, bytes.length, null);
  if (object === null) throw refused('read', bpf.errno());
  const log = Buffer.alloc(LOG_BYTES);
  for (const name of [...names, SNAPSHOT_PROGRAM]) {
    const program = bpf.program(object, name);
    bpf.set_autoload(program, true);
    bpf.set_log(program, log, log.length);
  }
  const sizes: Record<string, number> = {
    ring: options.ringBytes,
    counters: bpf.possible_cpus() * KINDS,
    backlog: options.backlogBytes / BACKLOG_PAGE_BYTES,
  };
  for (const name of LASTING_MAPS) {
    const map = bpf.map(object, name);
    if (!isMade(name, options)) {
      bpf.set_autocreate(map, false);
      continue;
    }
    const pin = options.pins === undefined ? undefined : path.join(options.pins, mapPin(name));
    // A pinned map keeps its size: a new one would begin empty.
    const size = (pin !== undefined && pinnedEntries(bpf, pin)) || sizes[name];
    if (size !== undefined) bpf.set_entries(map, size);
    if (pin !== undefined) bpf.set_pin_path(map, pin);
  }
  const failed = bpf.load(object);
  if (failed < 0) throw refused('load', -failed, lastLine(log));

  const fd = (map: string): number => bpf.map_fd(bpf.map(object, map));
  const counters = fd('counters');
  const reused = readFdinfo(counters).get('frozen') === '1';
  // From here on no process can write what the probe counts and remembers, by call or by mapping; the probe still can.
  // (A map made read-only for user space, BPF_F_RDONLY, cannot be mapped at all.)
  for (const name of FROZEN_MAPS.filter((each) => isMade(each, options))) {
    const map = fd(name);
    if (readFdinfo(map).get('frozen') === '1') continue;
    const frozen = bpf.freeze(map);
    if (frozen < 0) throw refused(`freeze ${name} of`, -frozen);
  }
  const baseline = { recovered: recoveredEvents(bpf, counters), skipped: 0 };
  const links = names.map((name) => {
    const link = bpf.attach(bpf.program(object, name));
    if (link === null) throw refused(`attach ${name} of`, bpf.errno());
    if (options.pins !== undefined) {
      const unpinned = bpf.pin_link(link, linkPinPath(options.pins, name, sha256.slice(0, 12)));
      if (unpinned === -EINVAL && FAILURE_PROGRAMS.includes(name)) {
        throw new HelperError(
          'HELPER_UNSUPPORTED',
          '--failures does not go with --pin on this kernel: links to system call tracepoints can be pinned from 5.15 on. Omit one of the two flags.',
        );
      }
      if (unpinned < 0) throw refused(`pin ${name} of`, -unpinned);
    }
    return bpf.link_fd(link);
  });
  // Running processes are reported once for each probe: a successor on the same maps has them in its backlog.
  if (!reused) takeSnapshot(bpf, object);
  const programs = Object.fromEntries(names.map((name) => [name, bpf.program_fd(bpf.program(object, name))]));
  return { ring: fd('ring'), counters, backlog: fd('backlog'), links, programs, baseline };
}

/** Runs the task iterator, which puts a record for each process into the ring; reading from it yields nothing. */
function takeSnapshot(bpf: Libbpf, object: Handle): void {
  const link = bpf.attach(bpf.program(object, SNAPSHOT_PROGRAM));
  if (link === null) throw refused(`attach ${SNAPSHOT_PROGRAM} of`, bpf.errno());
  const iterator = bpf.iterate(bpf.link_fd(link));
  if (iterator < 0) throw refused('iterate over processes with', -iterator);
  while (readSync(iterator, Buffer.alloc(4096)) > 0);
  closeSync(iterator);
  closeSync(bpf.link_fd(link));
}

/** Entries of a pinned map; undefined when it is not pinned. */
function pinnedEntries(bpf: Libbpf, file: string): number | undefined {
  return existsSync(file) ? entriesOf(bpf.get(file)) : undefined;
}

function entriesOf(map: number): number {
  return Number(readFdinfo(map).get('max_entries'));
}

/** Advice to administrators for errors of the probe that occur in practice. */
const ADVICE: Readonly<Record<number, string>> = {
  1: 'The kernel may be locked down for confidentiality, or a container lacks CAP_BPF and CAP_PERFMON.',
  3: 'The kernel offers no usable BTF type information; see /sys/kernel/btf/vmlinux.',
  12: 'There is not enough memory for the ring; try a smaller --ring.',
  22: 'The kernel is older than 5.8, or locked down for confidentiality (see /sys/kernel/security/lockdown), or the pins are of an incompatible version (remove them, or start with --no-pin).',
  24: 'It takes more open files than the limit allows: raise it (ulimit -n, LimitNOFILE).',
};

/** The kernel's reason for refusing a step, with advice. */
export function refused(step: string, errno: number, log = ''): HelperError {
  const advice = ADVICE[errno] ?? 'Please report this with the kernel release (uname -r).';
  return new HelperError(
    'HELPER_PROBE_REFUSED',
    `cannot ${step} the probe: errno ${errno}${log && ` (${log})`}. ${advice}`,
  );
}

function lastLine(log: Buffer): string {
  const end = log.indexOf(0);
  const lines = log
    .toString('latin1', 0, end === -1 ? log.length : end)
    .trimEnd()
    .split('\n');
  return lines.findLast((line) => !line.startsWith('processed ')) ?? '';
}
