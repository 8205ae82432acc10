// The scripts that the package runs as root, in a root folder of its own: a real shell (busybox) and real
// files, with stand-ins for dscl, launchctl and pkgutil, which write down what they are told.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { commonFiles, HOME, INSTALL_SCRIPTS } from '../../installers/macos/payload.ts';
import { rootTest } from '../support/requirements.ts';

const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find((file) => existsSync(file)) ?? '/bin/busybox';
const APPLETS = ['sh', 'awk', 'id', 'mkdir', 'chown', 'chmod', 'cp', 'rm', 'cat', 'basename', 'dirname', 'printf'];

/** A machine on which the package's files lie. */
class Machine {
  readonly root: string;

  constructor(t: ExecutionContext) {
    this.root = mkdtempSync('/var/tmp/probes-install-');
    t.teardown(() => rmSync(this.root, { recursive: true, force: true }));
    chmodSync(this.root, 0o755);
    for (const folder of [
      'bin',
      'usr/bin',
      'usr/sbin',
      'sbin',
      'etc',
      'var/log',
      'var/db',
      'tmp',
      'dev',
      'directory/Users/daemon',
      'directory/Groups/daemon',
    ])
      mkdirSync(path.join(this.root, folder), { recursive: true });
    copyFileSync(BUSYBOX, path.join(this.root, 'bin/busybox'));
    for (const applet of APPLETS) symlinkSync('busybox', path.join(this.root, 'bin', applet));
    writeFileSync(path.join(this.root, 'dev/null'), '');
    writeFileSync(
      path.join(this.root, 'etc/passwd'),
      'root:x:0:0::/:/bin/sh\n_platformprobes:x:251:251::/:/bin/false\n',
    );
    writeFileSync(path.join(this.root, 'etc/group'), 'wheel:x:0:\n_platformprobes:x:251:\n');
    // 250 belongs to somebody already.
    writeFileSync(path.join(this.root, 'directory/Users/daemon/UniqueID'), '250\n');
    this.#program('usr/bin/dscl', readFileSync(path.join(import.meta.dirname, 'fixtures/dscl')));
    for (const name of ['bin/launchctl', 'usr/sbin/pkgutil'])
      this.#program(name, `#!/bin/sh\necho "${path.basename(name)} $*" >>/told\n`);
    this.lay();
  }

  /** Puts the payload there, as the installer does. */
  lay(): void {
    for (const { path: name, data = Buffer.alloc(0), mode } of commonFiles()) {
      mkdirSync(path.join(this.root, path.dirname(name)), { recursive: true });
      writeFileSync(path.join(this.root, name), data);
      chmodSync(path.join(this.root, name), mode);
    }
  }

  #program(name: string, text: string | Buffer): void {
    writeFileSync(path.join(this.root, name), text);
    chmodSync(path.join(this.root, name), 0o755);
  }

  /** Runs a script in it. */
  run(script: Buffer, ...args: string[]): { status: number | null; output: string } {
    this.#program('tmp/script', script);
    const { status, stdout, stderr, error } = spawnSync('/usr/sbin/chroot', [this.root, '/tmp/script', ...args], {
      encoding: 'utf8',
      env: {},
    });
    return { status, output: `${stdout}${stderr}${error?.message ?? ''}` };
  }

  told(): string[] {
    const file = path.join(this.root, 'told');
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
    rmSync(file, { force: true });
    return lines;
  }

  attribute(record: string): string {
    return readFileSync(path.join(this.root, 'directory', record), 'utf8').trim();
  }

  /** Owner, group and mode. */
  stat(name: string): string {
    const { uid, gid, mode } = statSync(path.join(this.root, name));
    return `${uid}:${gid} ${(mode & 0o7777).toString(8)}`;
  }

  has(name: string): boolean {
    return existsSync(path.join(this.root, name));
  }
}

const UNINSTALL = commonFiles().find((file) => file.path === `${HOME}/uninstall`)?.data ?? Buffer.alloc(0);

rootTest('installing makes accounts, folders and configuration, and starts both services', (t) => {
  const machine = new Machine(t);
  t.deepEqual(machine.run(INSTALL_SCRIPTS.preinstall), { status: 0, output: '' });
  t.deepEqual(machine.run(INSTALL_SCRIPTS.postinstall), { status: 0, output: '' });
  t.deepEqual(
    ['UniqueID', 'PrimaryGroupID', 'UserShell', 'NFSHomeDirectory', 'IsHidden', 'Password'].map((name) =>
      machine.attribute(`Users/_platformprobes/${name}`),
    ),
    ['251', '251', '/usr/bin/false', '/var/empty', '1', '*'],
  );
  t.is(machine.attribute('Users/_platformprobes_helper/UniqueID'), '252');
  t.is(machine.attribute('Groups/_platformprobes_helper/PrimaryGroupID'), '252');
  t.is(machine.stat('etc/platform-probes'), '0:0 755');
  t.is(machine.stat('var/log/platform-probes'), '251:251 750');
  t.is(machine.stat('var/db/platform-probes-agent'), '251:251 700');
  t.is(machine.stat('etc/platform-probes/agent.yaml'), '0:251 640');
  t.deepEqual(machine.told(), [
    'launchctl bootout system/platform-probes.agent',
    'launchctl bootout system/platform-probes.helper',
    'launchctl enable system/platform-probes.helper',
    'launchctl bootstrap system /Library/LaunchDaemons/platform-probes.helper.plist',
    'launchctl enable system/platform-probes.agent',
    'launchctl bootstrap system /Library/LaunchDaemons/platform-probes.agent.plist',
  ]);
});

rootTest('installing again keeps the configuration and the accounts', (t) => {
  const machine = new Machine(t);
  machine.run(INSTALL_SCRIPTS.postinstall);
  writeFileSync(path.join(machine.root, 'etc/platform-probes/agent.yaml'), 'mine\n');
  machine.run(INSTALL_SCRIPTS.preinstall);
  machine.lay();
  t.is(machine.run(INSTALL_SCRIPTS.postinstall).status, 0);
  t.is(readFileSync(path.join(machine.root, 'etc/platform-probes/agent.yaml'), 'utf8'), 'mine\n');
  t.is(machine.attribute('Users/_platformprobes/UniqueID'), '251');
});

rootTest('removing leaves what is the administrator’s, and --purge nothing', (t) => {
  const machine = new Machine(t);
  machine.run(INSTALL_SCRIPTS.postinstall);
  machine.told();
  t.is(machine.run(UNINSTALL, '--all').status, 2);
  t.true(machine.has(HOME));
  t.is(machine.run(UNINSTALL).status, 0);
  t.deepEqual(machine.told(), [
    'launchctl bootout system/platform-probes.agent',
    'launchctl bootout system/platform-probes.helper',
    'pkgutil --forget platform-probes',
  ]);
  t.deepEqual(
    [
      HOME,
      'Library/LaunchDaemons/platform-probes.helper.plist',
      'etc/platform-probes/agent.yaml',
      'directory/Users/_platformprobes',
    ].map((name) => machine.has(name)),
    [false, false, true, true],
  );
  machine.lay();
  t.is(machine.run(UNINSTALL, '--purge').status, 0);
  t.deepEqual(
    [
      'etc/platform-probes',
      'var/log/platform-probes',
      'var/db/platform-probes-agent',
      'directory/Users/_platformprobes',
      'directory/Groups/_platformprobes_helper',
    ].filter((name) => machine.has(name)),
    [],
  );
});
