import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { complain, progress } from './progress.ts';

/** The purpose of a system package. */
export type Purpose =
  | 'run'
  | 'probe object'
  | 'tests'
  | 'kernels'
  | 'arm64'
  | 'kernel files'
  | 'windows'
  | 'msi'
  | 'dtrace'
  | 'receivers'
  | 'pulled'
  | 'packages'
  | 'guests'
  | 'ansible';

interface SystemPackage {
  /** Name in Debian and Ubuntu. */
  readonly name: string;
  readonly purposes: readonly Purpose[];
  readonly why: string;
  readonly present: () => boolean;
}

/** Everything this project uses that npm cannot bring. */
const SYSTEM_PACKAGES: readonly SystemPackage[] = [
  {
    name: 'libbpf1',
    purposes: ['run', 'tests'],
    why: 'libbpf.so.1 loads the probe program into the kernel',
    present: () => hasLibrary('libbpf.so.1'),
  },
  {
    name: 'clang-14',
    purposes: ['probe object', 'tests'],
    why: 'clang-14 compiles bpf/exec.bpf.c to the committed bytes',
    present: () => hasCommand('clang-14'),
  },
  {
    name: 'llvm-14',
    purposes: ['probe object', 'tests'],
    why: 'llvm-strip-14 takes the debug information out of the probe object',
    present: () => hasCommand('llvm-strip-14'),
  },
  {
    name: 'libbpf-dev',
    purposes: ['probe object', 'tests'],
    why: 'bpf/bpf_helpers.h',
    present: () => existsSync('/usr/include/bpf/bpf_helpers.h'),
  },
  {
    name: 'gcc',
    purposes: ['tests', 'receivers'],
    why: 'compiles the small programs that tests execute',
    present: () => hasCommand('gcc'),
  },
  {
    name: 'libc6-dev',
    purposes: ['tests', 'receivers'],
    why: 'headers for those programs',
    present: () => existsSync('/usr/include/stdio.h'),
  },
  {
    name: 'strace',
    purposes: ['tests'],
    why: 'shows which files the built programs open',
    present: () => hasCommand('strace'),
  },
  {
    name: 'python3',
    purposes: ['tests'],
    why: 'runs the client that docs/protocol.md spells out',
    present: () => hasCommand('python3'),
  },
  {
    name: 'git',
    purposes: ['tests'],
    why: 'lists the files of the repository',
    present: () => hasCommand('git'),
  },
  {
    name: 'gcc-mingw-w64-x86-64',
    purposes: ['windows'],
    why: 'compiles the stand-in for event tracing',
    present: () => hasCommand('x86_64-w64-mingw32-gcc'),
  },
  {
    name: 'wixl',
    purposes: ['windows', 'msi'],
    why: 'makes the Windows installer',
    present: () => hasCommand('wixl'),
  },
  {
    name: 'msitools',
    purposes: ['windows', 'msi'],
    why: 'msibuild adds tables to the Windows installer',
    present: () => hasCommand('msibuild') && hasCommand('msiinfo'),
  },
  {
    name: 'osslsigncode',
    purposes: ['windows'],
    why: 'signs the Windows programs and their installer',
    present: () => hasCommand('osslsigncode'),
  },
  {
    name: 'qemu-system-x86',
    purposes: ['kernels'],
    why: 'boots other kernels',
    present: () => hasCommand('qemu-system-x86_64'),
  },
  {
    name: 'qemu-system-arm',
    purposes: ['arm64'],
    why: 'boots kernels for 64-bit ARM',
    present: () => hasCommand('qemu-system-aarch64'),
  },
  {
    name: 'gcc-aarch64-linux-gnu',
    purposes: ['arm64'],
    why: 'compiles the small programs that tests execute there',
    present: () => hasCommand('aarch64-linux-gnu-gcc'),
  },
  {
    name: 'libc6-dev-arm64-cross',
    purposes: ['arm64'],
    why: 'headers for those programs',
    present: () => existsSync('/usr/aarch64-linux-gnu/include/stdio.h'),
  },
  {
    name: 'gcc-arm-linux-gnueabihf',
    purposes: ['arm64'],
    why: 'compiles the 32-bit one of them',
    present: () => hasCommand('arm-linux-gnueabihf-gcc'),
  },
  {
    name: 'virtiofsd',
    purposes: ['kernel files'],
    why: 'shares files with them',
    present: () => existsSync('/usr/libexec/virtiofsd') || existsSync('/usr/lib/qemu/virtiofsd'),
  },
  {
    name: 'busybox-static',
    purposes: ['kernels', 'tests'],
    why: 'the programs that other kernels start with, and that install scripts find in a test',
    present: () => hasCommand('busybox'),
  },
  {
    name: 'kmod',
    purposes: ['kernels'],
    why: 'modprobe finds out which modules they need, and in which order',
    present: () => hasCommand('modprobe') && hasCommand('depmod'),
  },
  {
    name: 'cpio',
    purposes: ['kernels', 'tests'],
    why: 'packs the file system that kernels start from, and reads the payload of a macOS package',
    present: () => hasCommand('cpio'),
  },
  {
    name: 'xz-utils',
    purposes: ['kernels', 'receivers'],
    why: 'unpacks modules, and the source of VictoriaLogs',
    present: () => hasCommand('xz'),
  },
  {
    name: 'zstd',
    purposes: ['kernels'],
    why: 'unpacks modules',
    present: () => hasCommand('zstd'),
  },
  {
    name: 'e2fsprogs',
    purposes: ['pulled'],
    why: 'mkfs.ext4 makes the file system of a disk',
    present: () => hasCommand('mkfs.ext4'),
  },
  {
    name: 'mmdebstrap',
    purposes: ['arm64', 'dtrace', 'tests', 'guests', 'ansible'],
    why: 'makes the root file systems of machines: with a dtrace, for 64-bit ARM, and that into which a test installs packages',
    present: () => hasCommand('mmdebstrap'),
  },
  {
    name: 'libarchive-tools',
    purposes: ['tests'],
    why: 'bsdtar reads the container of a macOS package',
    present: () => hasCommand('bsdtar'),
  },
  {
    name: 'openssl',
    purposes: ['tests', 'receivers'],
    why: 'makes certificates',
    present: () => hasCommand('openssl'),
  },
  {
    name: 'clickhouse-server',
    purposes: ['receivers'],
    why: 'takes events, as a real receiver of the http output',
    present: () => hasCommand('clickhouse-server'),
  },
  {
    name: 'rsyslog',
    purposes: ['receivers'],
    why: 'takes events, as a real receiver of the syslog output',
    present: () => hasCommand('rsyslogd'),
  },
  {
    name: 'rsyslog-relp',
    purposes: ['receivers'],
    why: 'rsyslog takes them over RELP',
    present: () => hasRsyslogModule('imrelp'),
  },
  {
    name: 'rsyslog-gnutls',
    purposes: ['receivers'],
    why: 'rsyslog takes them over TLS',
    present: () => hasRsyslogModule('lmnsd_gtls'),
  },
  {
    name: 'rsyslog-openssl',
    purposes: ['receivers'],
    why: 'and over the TLS of another library',
    present: () => hasRsyslogModule('lmnsd_ossl'),
  },
  {
    name: 'nats-server',
    purposes: ['receivers'],
    why: 'takes events, as a real receiver of the nats output',
    present: () => hasCommand('nats-server'),
  },
  {
    name: 'postgresql',
    purposes: ['receivers'],
    why: 'runs the queries of docs/completeness.md',
    present: () => globSync('/usr/lib/postgresql/*/bin/initdb').length > 0 && hasCommand('psql'),
  },
  {
    name: 'prometheus',
    purposes: ['receivers'],
    why: 'scrapes the metrics of the agent; promtool checks them and the example alerts',
    present: () => hasCommand('prometheus') && hasCommand('promtool'),
  },
  {
    name: 'prometheus-alertmanager',
    purposes: ['receivers'],
    why: 'gets the alerts of Prometheus',
    present: () => hasCommand('prometheus-alertmanager'),
  },
  {
    name: 'librdkafka-dev',
    purposes: ['receivers'],
    why: 'mock brokers that take records of the kafka output',
    present: () => existsSync('/usr/include/librdkafka/rdkafka_mock.h'),
  },
  {
    name: 'kcat',
    purposes: ['receivers'],
    why: 'reads the records back',
    present: () => hasCommand('kcat'),
  },
  {
    name: 'p7zip-full',
    purposes: ['tests'],
    why: '7z checks it',
    present: () => hasCommand('7z'),
  },
  {
    name: 'dpkg',
    purposes: ['packages', 'tests'],
    why: 'dpkg-deb makes the .deb',
    present: () => hasCommand('dpkg-deb'),
  },
  {
    name: 'groff-base',
    purposes: ['tests'],
    why: 'groff formats the manual pages, and says what is wrong with them',
    present: () => hasCommand('groff'),
  },
  {
    name: 'mandoc',
    purposes: ['tests'],
    why: 'checks the manual pages, as another reader of their language',
    present: () => hasCommand('mandoc'),
  },
  {
    name: 'zsh',
    purposes: ['tests'],
    why: 'completes command lines',
    present: () => hasCommand('zsh'),
  },
  {
    name: 'fish',
    purposes: ['tests'],
    why: 'completes command lines',
    present: () => hasCommand('fish'),
  },
  {
    name: 'rpm',
    purposes: ['packages', 'tests'],
    why: 'rpmbuild makes the .rpm',
    present: () => hasCommand('rpmbuild') && hasCommand('rpmsign'),
  },
  {
    name: 'apt-utils',
    purposes: ['packages', 'tests'],
    why: 'apt-ftparchive writes the index of an apt repository',
    present: () => hasCommand('apt-ftparchive'),
  },
  {
    name: 'createrepo-c',
    purposes: ['packages', 'tests'],
    why: 'writes the index of an rpm repository',
    present: () => hasCommand('createrepo_c'),
  },
  {
    name: 'gpg',
    purposes: ['packages', 'tests'],
    why: 'signs both, and each .rpm',
    present: () => hasCommand('gpg') && hasCommand('gpgconf'),
  },
  {
    name: 'gpg-agent',
    purposes: ['packages', 'tests'],
    why: 'holds the key that gpg signs with',
    present: () => hasCommand('gpg-agent'),
  },
  {
    name: 'minisign',
    purposes: ['packages', 'tests'],
    why: 'signs SHA256SUMS',
    present: () => hasCommand('minisign'),
  },
  {
    name: 'jq',
    purposes: ['tests'],
    why: 'reads JSON in the commands of docs/supply-chain.md',
    present: () => hasCommand('jq'),
  },
  {
    name: 'lintian',
    purposes: ['tests'],
    why: 'checks the .deb',
    present: () => hasCommand('lintian'),
  },
  {
    name: 'rpmlint',
    purposes: ['tests'],
    why: 'checks the .rpm',
    present: () => hasCommand('rpmlint'),
  },
  {
    name: 'dnf',
    purposes: ['tests'],
    why: 'installs from the rpm repository',
    present: () => hasCommand('dnf'),
  },
  {
    name: 'ansible-lint',
    purposes: ['ansible'],
    why: 'checks the role',
    present: () => hasCommand('ansible-lint'),
  },
  {
    name: 'chromium',
    purposes: ['tests'],
    why: 'opens the page of the dashboard',
    present: () => hasCommand('chromium'),
  },
  {
    name: 'skopeo',
    purposes: ['tests'],
    why: 'reads an OCI image as engines and registries do',
    present: () => hasCommand('skopeo'),
  },
];

/**
 * Makes sure the system packages for a purpose are there. As root on Debian or
 * Ubuntu it installs what is missing; elsewhere it says which command does.
 * @returns the names of the packages that are still missing
 */
export function ensureSystemPackages(purpose: Purpose): readonly string[] {
  const missing = missingPackages(purpose);
  if (missing.length === 0) return [];
  const names = missing.map((item) => item.name);
  const command = `apt-get install --no-install-recommends ${names.join(' ')}`;
  const list = missing.map((item) => `  ${item.name}: ${item.why}`).join('\n');

  if (!isDebianLike()) {
    complain(`Missing on this system (Debian's package names; install what brings the same files):\n${list}`);
    return names;
  }
  if (process.getuid?.() !== 0) {
    complain(`Missing system packages:\n${list}\n  Install them with: sudo apt-get update && sudo ${command}`);
    return names;
  }
  progress(`Installing system packages with apt-get:\n${list}`);
  const reason = aptGet('update') ?? aptGet('install', '--yes', '--no-install-recommends', ...names);
  const still = missingPackages(purpose).map((item) => item.name);
  if (still.length > 0) {
    complain(`Not installed: ${still.join(', ')}. ${reason ?? ''}\n  Try it by hand: apt-get update && ${command}`);
  }
  return still;
}

/** The same. @throws {Error} when some are still missing */
export function needSystemPackages(purpose: Purpose): void {
  const missing = ensureSystemPackages(purpose);
  if (missing.length > 0) throw new Error(`these system packages are missing: ${missing.join(', ')}`);
}

function missingPackages(purpose: Purpose): readonly SystemPackage[] {
  return SYSTEM_PACKAGES.filter((item) => item.purposes.includes(purpose) && !item.present());
}

/** Runs apt-get without questions; answers what went wrong, or undefined. */
function aptGet(...args: readonly string[]): string | undefined {
  const run = spawnSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
  if (run.status === 0) return undefined;
  return `apt-get ${args[0]} failed: ${run.error?.message ?? (run.stderr.trim() || `exit code ${run.status}`)}`;
}

function isDebianLike(): boolean {
  try {
    return /^ID(?:_LIKE)?=.*\b(?:debian|ubuntu)\b/mu.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    // Debian and Ubuntu have os-release.
    return false;
  }
}

/** Whether a command can be found; PATH of a service or of cron may lack the sbin folders. */
export function hasCommand(name: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/sbin', '/sbin', '/usr/bin', '/bin'];
  return folders.some((folder) => {
    try {
      accessSync(path.join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function hasRsyslogModule(name: string): boolean {
  return globSync(`/usr/lib/*/rsyslog/${name}.so`).length > 0;
}

function hasLibrary(soname: string): boolean {
  const run = spawnSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' });
  return run.status === 0 && run.stdout.includes(`${soname} `);
}
