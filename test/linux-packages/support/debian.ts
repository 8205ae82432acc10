import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';

import { hasCommand } from '../../../installers/tools/system-packages.ts';
import { run } from '../../../installers/tools/run.ts';
import { debianRoot } from '../../kernels/debian-root.ts';
import { requiring, root } from '../../support/requirements.ts';

/** As root, with a Debian 12 to install into. */
export const debianTest = requiring(root, () =>
  ['mmdebstrap', 'dpkg-deb', 'rpmbuild', 'rpm'].every(hasCommand) ? undefined : 'needs mmdebstrap, dpkg-deb and rpm',
);

/** The environment of an installation: nothing of this machine's. */
const ENVIRONMENT = {
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  DEBIAN_FRONTEND: 'noninteractive',
  LC_ALL: 'C.UTF-8',
  HOME: '/root',
};

/** Which packages a Debian has, under a name of its own in the cache. */
interface DebianKind {
  readonly purpose: string;
  readonly packages: readonly string[];
}

/** The dependencies of the product's packages. */
const PLAIN: DebianKind = { purpose: 'packages', packages: ['systemd', 'libbpf1', 'libgcc-s1', 'libstdc++6'] };

/** The same, with Ansible to manage it from within. */
export const WITH_ANSIBLE: DebianKind = {
  purpose: 'ansible',
  packages: [...PLAIN.packages, 'ansible-core', 'python3-apt'],
};

/** A Debian 12 in which systemd does not run: a chroot, as of an image that is being built. Changes end with the test. */
export class Debian {
  /** Its root folder. */
  readonly root: string;

  constructor(t: ExecutionContext, kind: DebianKind = PLAIN) {
    const base = debianRoot({ suite: 'bookworm', ...kind }, false);
    const folder = mkdtempSync('/var/tmp/probes-debian-');
    const [upper, work, merged] = ['upper', 'work', 'root'].map((name) => path.join(folder, name)) as [
      string,
      string,
      string,
    ];
    for (const each of [upper, work, merged]) mkdirSync(each);
    run('mount', ['-t', 'overlay', 'overlay', '-o', `lowerdir=${base},upperdir=${upper},workdir=${work}`, merged]);
    this.root = merged;
    t.teardown(() => {
      run('umount', [merged]);
      rmSync(folder, { recursive: true, force: true });
    });
  }

  /** A path in it, as seen from outside. */
  at(name: string): string {
    return path.join(this.root, name);
  }

  /** Runs a command in it. */
  try(...command: readonly string[]): SpawnSyncReturns<string> {
    return spawnSync('chroot', [this.root, ...command], { env: ENVIRONMENT, encoding: 'utf8' });
  }

  /** The same. @returns what it printed @throws {Error} when it fails */
  run(...command: readonly string[]): string {
    const { status, stdout, stderr } = this.try(...command);
    if (status !== 0) throw new Error(`${command.join(' ')}: ${status}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Every file, link and folder of it, with owner, mode and size or target; sorted. Without logs, caches and the databases of dpkg and rpm. */
  files(): string[] {
    return run('find', [
      this.root,
      '-xdev',
      ...[
        'var/log/dpkg.log',
        'var/lib/dpkg',
        'var/lib/rpm',
        'var/cache',
        'var/lib/apt',
        'var/log/apt',
        'root',
        'tmp',
        'repository',
      ].flatMap((name) => ['-path', path.join(this.root, name), '-prune', '-o']),
      '-printf',
      '%P %U:%G %m %l\\n',
    ])
      .split('\n')
      .filter((line) => line !== '')
      .toSorted();
  }
}
