// Repositories as plain files, read by real apt and dnf. The key is made by the test.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';

import { debName } from '../../installers/linux/deb.ts';
import { rpmName } from '../../installers/linux/rpm.ts';
import { updateRepository } from '../../installers/repository/repository.ts';
import { run } from '../../installers/tools/run.ts';
import { hasCommand } from '../../installers/tools/system-packages.ts';
import { makeGpgKey } from '../support/gpg-key.ts';
import { requiring } from '../support/requirements.ts';
import { Debian, debianTest } from './support/debian.ts';
import { flipByte } from './support/flip-byte.ts';
import { PASSWORD, Publisher } from './support/publisher.ts';

const TOOLS = ['dpkg-deb', 'rpmbuild', 'rpmsign', 'apt-ftparchive', 'createrepo_c', 'gpg', 'gpgconf'];
const repositoryTest = requiring(() => (TOOLS.every(hasCommand) ? undefined : `needs ${TOOLS.join(', ')}`));

/** A Debian that trusts the repository, in the way that docs/install.md tells. */
function subscriber(t: ExecutionContext, publisher: Publisher): Debian {
  const machine = new Debian(t);
  cpSync(publisher.repository, machine.at('repository'), { recursive: true });
  run('chmod', ['-R', 'go=rX', machine.at('repository')]);
  mkdirSync(machine.at('etc/apt/keyrings'), { recursive: true });
  rmSync(machine.at('etc/apt/sources.list'), { force: true });
  for (const file of globSync(machine.at('etc/apt/{sources.list.d,apt.conf.d}/*'))) rmSync(file);
  copyFileSync(machine.at('repository/platform-probes.asc'), machine.at('etc/apt/keyrings/platform-probes.asc'));
  writeFileSync(
    machine.at('etc/apt/sources.list.d/platform-probes.sources'),
    'Types: deb\nURIs: file:///repository/apt\nSuites: stable\nComponents: main\nSigned-By: /etc/apt/keyrings/platform-probes.asc\n',
  );
  return machine;
}

const pool = 'repository/apt/pool/main/p/platform-probes';

debianTest('apt installs from the signed repository, and upgrades when a newer version is added', (t) => {
  const publisher = new Publisher(t, ['0.1.0', '0.2.0']);
  publisher.publish('0.1.0');
  const machine = subscriber(t, publisher);
  machine.run('apt-get', 'update');
  machine.run('apt-get', 'install', '--yes', 'platform-probes');
  t.is(machine.run('/usr/bin/probes-agent'), 'probes-agent 0.1.0\n');

  publisher.publish('0.2.0');
  rmSync(machine.at('repository'), { recursive: true });
  cpSync(publisher.repository, machine.at('repository'), { recursive: true });
  machine.run('apt-get', 'update');
  machine.run('apt-get', 'upgrade', '--yes');
  t.is(machine.run('/usr/bin/probes-agent'), 'probes-agent 0.2.0\n');
  machine.run('apt-get', 'install', '--yes', '--allow-downgrades', 'platform-probes=0.1.0');
  t.is(machine.run('/usr/bin/probes-agent'), 'probes-agent 0.1.0\n', 'the older version is still there');
});

debianTest(
  'apt refuses a repository of which one byte was changed: in a package, in an index, in what is signed',
  (t) => {
    const publisher = new Publisher(t, ['0.1.0']);
    publisher.publish('0.1.0');
    const machine = subscriber(t, publisher);
    const restore = (): void => cpSync(publisher.repository, machine.at('repository'), { recursive: true });
    const update = (): string => {
      const { status, stderr } = machine.try('apt-get', '-o', 'APT::Update::Error-Mode=any', 'update');
      return status === 0 ? '' : stderr;
    };
    t.is(update(), '');
    flipByte(machine.at(`${pool}/${debName('x64', '0.1.0')}`));
    const install = machine.try('apt-get', 'install', '--yes', 'platform-probes');
    t.not(install.status, 0);
    t.regex(install.stderr, /Hash Sum mismatch/u);
    restore();

    for (const file of globSync('dists/stable/main/binary-amd64/**/*', {
      cwd: machine.at('repository/apt'),
      withFileTypes: true,
    }))
      if (file.isFile()) flipByte(path.join(file.parentPath, file.name));
    rmSync(machine.at('var/lib/apt/lists'), { recursive: true });
    t.regex(update(), /Hash Sum mismatch|unexpected size/u);
    restore();

    const signed = machine.at('repository/apt/dists/stable/InRelease');
    flipByte(signed, readFileSync(signed, 'latin1').indexOf('Date: ') + 20);
    t.regex(update(), /signatures were invalid: BADSIG|not signed/u);
    restore();

    // Signed by another key than the one that the administrator trusts.
    const stranger = new Publisher(t, ['0.1.0'], makeGpgKey(PASSWORD));
    stranger.publish('0.1.0');
    cpSync(path.join(stranger.repository, 'apt'), machine.at('repository/apt'), { recursive: true });
    t.regex(update(), /NO_PUBKEY/u);

    for (const name of ['InRelease', 'Release.gpg']) rmSync(machine.at(`repository/apt/dists/stable/${name}`));
    t.regex(update(), /is not signed/u);
  },
);

repositoryTest('each .rpm in the repository is signed, and so is its index; a flipped byte is found', (t) => {
  const publisher = new Publisher(t, ['0.1.0', '0.2.0']);
  publisher.publish('0.1.0', false);
  publisher.publish('0.2.0');
  const keys = publisher.at('keys');
  mkdirSync(keys);
  run('rpmkeys', ['--dbpath', keys, '--import', path.join(publisher.repository, 'platform-probes.asc')]);
  const check = (file: string): string =>
    spawnSync('rpmkeys', ['--dbpath', keys, '--checksig', '--verbose', file], { encoding: 'utf8' }).stdout;
  for (const version of ['0.1.0', '0.2.0']) {
    const file = path.join(publisher.repository, 'rpm/packages', rpmName('x64', version));
    t.regex(check(file), /Header V4 RSA\/SHA512 Signature, key ID [0-9a-f]+: OK/u, version);
    flipByte(file, statSync(file).size - 100);
    t.regex(check(file), /Payload SHA256 digest: BAD/u);
  }
  const repomd = path.join(publisher.repository, 'rpm/repodata/repomd.xml');
  const home = mkdtempSync(path.join(tmpdir(), 'probes-home-'));
  t.teardown(() => rmSync(home, { recursive: true, force: true }));
  const gpg = (...args: string[]): number | null => spawnSync('gpg', ['--homedir', home, '--batch', ...args]).status;
  t.is(gpg('--import', path.join(publisher.repository, 'platform-probes.asc')), 0);
  t.is(gpg('--verify', `${repomd}.asc`, repomd), 0);
  flipByte(repomd);
  t.not(gpg('--verify', `${repomd}.asc`, repomd), 0);
});

repositoryTest('nothing is published twice with different contents, and a signed repository stays signed', (t) => {
  const publisher = new Publisher(t, ['0.1.0']);
  publisher.publish('0.1.0');
  publisher.publish('0.1.0');
  t.throws(() => publisher.publish('0.1.0', false), { message: /is signed. Give its key with --gpg-key/u });
  for (const name of [debName('x64', '0.1.0'), rpmName('x64', '0.1.0')]) {
    const file = path.join(publisher.at('0.1.0'), name);
    const bytes = readFileSync(file);
    // Another package of this version: one of another time.
    flipByte(file, name.endsWith('.rpm') ? bytes.indexOf('platform-probes', 200) : undefined);
    t.throws(() => publisher.publish('0.1.0'), undefined, name);
    writeFileSync(file, bytes);
  }
  publisher.publish('0.1.0');
});

test('without packages there is nothing to publish, and the message says how to make them', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'probes-empty-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  t.throws(() => updateRepository(path.join(folder, 'r'), folder, undefined), {
    message: /no package in .* npm run package -- --target linux-x64/u,
  });
});

repositoryTest('a key that cannot be used is named: its file, its fingerprint, its password', (t) => {
  const publisher = new Publisher(t, ['0.1.0']);
  const publish = (key: { key: string; passwordFile?: string }) => (): unknown =>
    updateRepository(publisher.repository, publisher.at('0.1.0'), key);
  t.throws(publish({ key: 'abcd' }), { message: /--gpg-key: expected a file or a fingerprint of 40 hex/u });
  t.throws(publish({ key: 'A'.repeat(40) }), { message: /--gpg-key: .* has no secret key AAAA/u });
  t.throws(publish({ key: publisher.at('key.asc'), passwordFile: publisher.at('none') }), {
    message: /--gpg-password-file: there is no file/u,
  });
  writeFileSync(publisher.at('empty'), '');
  t.throws(publish({ key: publisher.at('empty') }), { message: /--gpg-key: .*empty/u });
  writeFileSync(publisher.at('wrong'), 'wrong\n');
  t.throws(publish({ ...publisher.key, passwordFile: publisher.at('wrong') }), { message: /Bad passphrase/u });
  t.deepEqual(globSync(path.join(tmpdir(), 'probes-gpg-*')), [], 'no keyring is left');
});
