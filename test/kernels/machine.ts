import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

import type { LinuxArchitecture } from '../../installers/linux/payload.ts';
import { inCheckout, ROOT } from '../../installers/tools/root-folder.ts';
import { run } from '../../installers/tools/run.ts';
import type { Image } from './image.ts';
import { makeInitramfs } from './initramfs.ts';

/** The command to run, and its place. */
export interface Boot {
  readonly image: Image;
  /** Added to the kernel's command line. */
  readonly kernelArguments: string;
  readonly cgroup: 'v1' | 'v2';
  /** The guest's root file system; by default the host's. */
  readonly root?: string;
  /** The folder that the guest sees in place of the checkout. */
  readonly checkout: string;
  /** Where the guest sees it; by default where the checkout lies. */
  readonly checkoutAt?: string;
  /** A shell script. Runs as root; what it writes stays in memory. */
  readonly command: string;
  /** The guest's first process, such as systemd, which runs the command as a service. By default there is none but the command. */
  readonly init?: string;
  readonly memory: string;
  /** A file that is the guest's /dev/vda. What the guest has written is in it, whatever happens to the machine. */
  readonly disk?: string;
  /** Whether the guest has a network card, behind which this machine's loopback is 10.0.2.2. */
  readonly network?: boolean;
  /** Pulls the plug when it is aborted: the machine is gone at once, with all that is in its memory. */
  readonly plug?: AbortSignal;
  readonly seconds: number;
  /** How long the command may print nothing. */
  readonly silentSeconds: number;
  readonly onOutput: (text: string) => void;
  readonly onErrors: (text: string) => void;
}

/** The machine ended before the command did. */
export class MachineError extends Error {
  override readonly name = 'MachineError';
}

const VIRTIOFSD = ['/usr/libexec/virtiofsd', '/usr/lib/qemu/virtiofsd'];

export const virtiofsd = (): string | undefined => VIRTIOFSD.find((file) => existsSync(file));

/** Children of every machine that runs, for when we are interrupted. */
const children = new Set<ChildProcess>();
const folders = new Set<string>();

/** Ends all machines and removes their files, at once. */
export function endMachines(): void {
  for (const child of children) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

/** A folder that endMachines removes. */
export function temporaryFolder(): string {
  const folder = mkdtempSync('/var/tmp/probes-kernels-');
  folders.add(folder);
  return folder;
}

/**
 * Boots a kernel, runs the command and gives its exit status.
 * @throws {MachineError} when there is none: the kernel crashed, time is up, or the plug was pulled
 */
export async function runInMachine(boot: Boot): Promise<number> {
  const work = temporaryFolder();
  const started: ChildProcess[] = [];
  const launch = (program: string, args: readonly string[], pipes: number): ChildProcess => {
    // They end with us, however we end.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe', ...Array.from({ length: pipes }, () => 'pipe' as const)],
    });
    child.on('error', () => {}); // told by its exit
    children.add(child);
    started.push(child);
    return child;
  };
  try {
    const modules = boot.root === undefined ? realpathSync(inCheckout('node_modules')) : '';
    const initramfs = makeInitramfs(
      boot.image,
      busyboxOf(boot),
      {
        checkout: boot.checkoutAt ?? ROOT,
        node_modules: modules,
        cgroup: boot.cgroup,
        command: boot.command,
        init: boot.init ?? '',
      },
      work,
    );
    const devices = await shareFolders(launch, work, {
      root: boot.root ?? '/',
      checkout: boot.checkout,
      modules: path.join(boot.image.folder, 'lib/modules', boot.image.release),
    });
    const channels = ['console', 'output', 'errors', 'status'];
    const qemu = launch(
      MACHINES[boot.image.architecture].emulator,
      [...machineArguments(boot, initramfs), ...deviceArguments(boot), ...devices, ...channelArguments(channels)],
      channels.length,
    );
    const listen = (channel: string, take: (text: string) => void): void => {
      const stream = qemu.stdio[3 + channels.indexOf(channel)] as Readable;
      stream
        .setEncoding('utf8')
        .on('data', take)
        .on('error', () => {});
    };
    let [log, status] = ['', ''];
    const keep = (text: string): void => {
      log = (log + text).slice(-4000);
    };
    listen('console', keep);
    let stopped = '';
    const stop = (why: string): void => {
      stopped = why;
      qemu.kill('SIGKILL');
    };
    const stopAfter = (seconds: number, why: string): NodeJS.Timeout =>
      setTimeout(() => stop(why), seconds * 1000).unref();
    const pull = (): void => stop('its plug was pulled');
    boot.plug?.addEventListener('abort', pull);
    const silence = stopAfter(boot.silentSeconds, `nothing happened for ${boot.silentSeconds} s`);
    const limit = stopAfter(boot.seconds, `it ran for ${boot.seconds} s`);
    listen('output', (text) => {
      silence.refresh();
      boot.onOutput(text);
    });
    listen('errors', boot.onErrors);
    listen('status', (text) => (status += text));
    qemu.stderr?.setEncoding('utf8').on('data', keep);
    const [code] = (await once(qemu, 'close')) as [number | null];
    clearTimeout(silence);
    clearTimeout(limit);
    boot.plug?.removeEventListener('abort', pull);
    if (/^\d+\n$/u.test(status)) return Number(status);
    throw new MachineError(
      stopped !== ''
        ? `the machine was stopped: ${stopped}`
        : `the machine ended (${code}); its last words:\n${log.trim()}`,
    );
  } finally {
    for (const child of started) {
      child.kill('SIGKILL');
      children.delete(child);
    }
    rmSync(work, { recursive: true, force: true });
    folders.delete(work);
  }
}

/** One virtiofsd for each folder, by its tag; ends with the machine. */
async function shareFolders(
  launch: (program: string, args: readonly string[], pipes: number) => ChildProcess,
  work: string,
  shares: Readonly<Record<string, string>>,
): Promise<string[]> {
  const daemon = virtiofsd();
  if (daemon === undefined) throw new Error(`no virtiofsd in ${VIRTIOFSD.join(' or ')}`);
  const devices: string[] = [];
  for (const [tag, folder] of Object.entries(shares)) {
    const socket = path.join(work, `${tag}.socket`);
    const server = launch(
      daemon,
      [`--socket-path=${socket}`, '-o', `source=${folder}`, '-o', 'cache=always', '-o', 'sandbox=chroot'],
      0,
    );
    let said = '';
    server.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-1000)));
    server.stdout?.resume();
    for (let waited = 0; !existsSync(socket); waited += 20) {
      if (server.exitCode !== null || waited > 10_000)
        throw new Error(`${daemon} does not share ${folder}: ${said.trim()}`);
      await delay(20);
    }
    devices.push(
      '-chardev',
      `socket,id=${tag},path=${socket}`,
      '-device',
      `vhost-user-fs-pci,chardev=${tag},tag=${tag}`,
    );
  }
  return devices;
}

/** The console, and a channel for each other name; descriptors from 3 on, in this order. */
function channelArguments([console = '', ...channels]: readonly string[]): string[] {
  return [
    '-chardev',
    `socket,id=${console},fd=3`,
    '-serial',
    `chardev:${console}`,
    '-device',
    'virtio-serial-pci',
    ...channels.flatMap((name, i) => [
      '-chardev',
      `socket,id=${name},fd=${4 + i}`,
      '-device',
      `virtserialport,nr=${i + 1},chardev=${name}`,
    ]),
  ];
}

/** A busybox of the guest's architecture: this machine's, or that of the guest's root file system. */
function busyboxOf({ image, root }: Boot): string {
  if (image.architecture === process.arch) return run('sh', ['-c', 'command -v busybox']).trim();
  if (root === undefined) throw new Error(`a machine of ${image.architecture} needs a root file system of its own`);
  return path.join(root, 'usr/bin/busybox');
}

/** How QEMU makes a machine of each architecture. */
const MACHINES = {
  x64: {
    emulator: 'qemu-system-x86_64',
    machine: 'q35',
    // Emulated by QEMU 7.2, cmpxchg16b corrupts flags.
    emulatedCpu: 'max,cx16=off,la57=off',
    console: 'ttyS0',
  },
  arm64: {
    emulator: 'qemu-system-aarch64',
    machine: 'virt',
    // Signs pointers with a function of QEMU's own: the architecture's is slow to emulate (docs/system/arm/cpu-features.rst of QEMU).
    emulatedCpu: 'max,pauth-impdef=on',
    console: 'ttyAMA0',
  },
} as const;

function machineArguments({ image, memory, kernelArguments }: Boot, initramfs: string): string[] {
  const { machine, emulatedCpu, console } = MACHINES[image.architecture];
  // Emulated by QEMU 7.2, one of two processors now and then runs stale code when the other patches the kernel.
  const [accelerator, cpu, processors] = canVirtualise(image.architecture)
    ? ['kvm', 'max', '2']
    : ['tcg', emulatedCpu, '1'];
  return [
    '-nodefaults',
    '-no-user-config',
    '-display',
    'none',
    '-no-reboot',
    '-machine',
    `${machine},accel=${accelerator},memory-backend=memory`,
    '-cpu',
    cpu,
    '-smp',
    processors,
    '-m',
    memory,
    '-object',
    `memory-backend-memfd,id=memory,size=${memory},share=on`,
    '-kernel',
    image.vmlinuz,
    '-initrd',
    initramfs,
    '-append',
    `console=${console} panic=-1 quiet ${kernelArguments}`,
  ];
}

function deviceArguments({ disk, network = false }: Boot): string[] {
  return [
    ...(disk === undefined
      ? []
      : ['-drive', `file=${disk},format=raw,if=none,id=disk`, '-device', 'virtio-blk-pci,drive=disk']),
    ...(network ? ['-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net,romfile='] : []),
  ];
}

/**
 * Whether this machine can run another one without emulating its processor. A /dev/kvm on a processor without
 * virtualisation is made by software. These kernels do not boot there.
 */
export function canVirtualise(architecture: LinuxArchitecture): boolean {
  if (architecture !== process.arch) return false;
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    return /\b(?:vmx|svm)\b/u.test(readFileSync('/proc/cpuinfo', 'latin1'));
  } catch {
    return false;
  }
}

/** Where the logs of the machines are kept. */
export function logFile(name: string): string {
  mkdirSync(inCheckout('build/kernels'), { recursive: true });
  return inCheckout('build/kernels', `${name}.log`);
}
