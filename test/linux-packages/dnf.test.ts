// dnf installs from the signed rpm repository, and refuses one of which a byte was changed.
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { rpmName } from '../../installers/linux/rpm.ts';
import { run } from '../../installers/tools/run.ts';
import { hasCommand } from '../../installers/tools/system-packages.ts';
import { requiring, root } from '../support/requirements.ts';
import { Debian } from './support/debian.ts';
import { flipByte } from './support/flip-byte.ts';
import { Publisher } from './support/publisher.ts';

const TOOLS = ['dnf', 'mmdebstrap', 'dpkg-deb', 'rpmbuild', 'createrepo_c', 'gpg'];

/** A package that says to bring what ours needs: Debian has no rpm of those. */
const SPEC = `Name: a-distribution
Version: 1
Release: 1
Summary: For a test
License: none
BuildArch: noarch
Provides: libc.so.6(GLIBC_2.28)(64bit), libgcc_s.so.1()(64bit), libstdc++.so.6(CXXABI_1.3.11)(64bit), libbpf.so.1()(64bit), systemd, util-linux, /bin/sh
%description
For a test.
%files
`;

requiring(root, () => (TOOLS.every(hasCommand) ? undefined : `needs ${TOOLS.join(', ')}`))(
  'dnf installs from the signed repository, upgrades, and refuses a package or an index of which one byte was changed',
  (t) => {
    const publisher = new Publisher(t, ['0.1.0', '0.2.0']);
    const repository = path.join(publisher.repository, 'rpm');
    publisher.publish('0.1.0');
    const machine = new Debian(t);
    const work = mkdtempSync(path.join(tmpdir(), 'probes-dnf-'));
    t.teardown(() => rmSync(work, { recursive: true, force: true }));
    writeFileSync(path.join(work, 'a.spec'), SPEC);
    run('rpmbuild', ['-bb', '--quiet', '--define', `_topdir ${work}`, path.join(work, 'a.spec')]);
    // Debian's rpm has its database in the home folder, unless told otherwise.
    writeFileSync(path.join(work, '.rpmmacros'), '%_dbpath /var/lib/rpm\n');
    const env = { ...process.env, LC_ALL: 'C.UTF-8', HOME: work };
    run('rpm', ['--root', machine.root, '--install', ...globSync(path.join(work, 'RPMS/noarch/*.rpm'))], { env });

    mkdirSync(path.join(work, 'repos'));
    // As docs/install.md tells, except for the address.
    writeFileSync(
      path.join(work, 'repos/platform-probes.repo'),
      `[platform-probes]\nname=Platform Probes\nbaseurl=file://${repository}\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey=file://${publisher.repository}/platform-probes.asc\n`,
    );
    const dnf = (...args: string[]): SpawnSyncReturns<string> =>
      spawnSync(
        'dnf',
        [
          '--assumeyes',
          '--refresh',
          `--installroot=${machine.root}`,
          '--releasever=1',
          '--forcearch=x86_64',
          `--setopt=reposdir=${path.join(work, 'repos')}`,
          `--setopt=cachedir=${path.join(work, 'cache')}`,
          `--setopt=logdir=${work}`,
          `--setopt=persistdir=${path.join(work, 'state')}`,
          '--setopt=keepcache=0',
          ...args,
        ],
        { encoding: 'utf8', env },
      );
    const installed = dnf('install', 'platform-probes');
    t.is(installed.status, 0, installed.stdout + installed.stderr);
    t.is(machine.run('/usr/bin/probes-agent'), 'probes-agent 0.1.0\n');
    publisher.publish('0.2.0');
    const file = path.join(repository, 'packages', rpmName('x64', '0.2.0'));
    flipByte(file);
    const badPackage = dnf('upgrade', 'platform-probes');
    t.not(badPackage.status, 0);
    t.regex(badPackage.stderr, /checksum/iu);
    flipByte(file);
    const repomd = path.join(repository, 'repodata/repomd.xml');
    flipByte(repomd);
    // dnf passes over a repository with a bad signature, and says so.
    t.regex(dnf('upgrade', 'platform-probes').stderr, /Bad GPG signature/u);
    flipByte(repomd);
    t.is(machine.run('/usr/bin/probes-agent'), 'probes-agent 0.1.0\n');
    const upgraded = dnf('upgrade', 'platform-probes');
    t.is(upgraded.status, 0, upgraded.stderr);
    t.is(machine.run('/usr/bin/probes-agent'), 'probes-agent 0.2.0\n');
  },
);
