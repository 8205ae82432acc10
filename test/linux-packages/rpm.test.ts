// The .rpm, by real rpm, with a Debian 12 as its root: the scripts find real systemd tools there. systemd does not run in it.
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';

import { LIBEXEC } from '../../installers/linux/payload.ts';
import { rpmName } from '../../installers/linux/rpm.ts';
import { Debian, debianTest } from './support/debian.ts';
import { flipByte } from './support/flip-byte.ts';
import { runSystemd, told, UNITS } from './support/running-systemd.ts';
import { makeSmall } from './support/small.ts';

function machineWithPackages(t: ExecutionContext): Debian {
  const machine = new Debian(t);
  makeSmall(machine.at('root'), '0.1.0', '0.2.0');
  return machine;
}

function rpm(machine: Debian, ...args: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync('rpm', ['--root', machine.root, ...args], { encoding: 'utf8' });
}

/** Debian's own packages are not in rpm's database, so --nodeps. */
function install(t: ExecutionContext, machine: Debian, version: string, ...options: readonly string[]): void {
  const { status, stderr } = rpm(
    machine,
    '--upgrade',
    '--nodeps',
    ...options,
    machine.at(`root/${rpmName('x64', version)}`),
  );
  t.is(status, 0, stderr);
  t.notRegex(stderr, /scriptlet failed/u);
}

const enabled = (machine: Debian): string[] =>
  UNITS.filter((unit) => machine.try('systemctl', 'is-enabled', unit).stdout.trim() === 'enabled');

debianTest('the .rpm: install, install again, upgrade and erase leave what docs/decisions/0046 says', (t) => {
  const machine = machineWithPackages(t);
  const before = machine.files();
  install(t, machine, '0.1.0');
  t.regex(machine.run('getent', 'passwd', 'probes-helper', 'probes-agent'), /^probes-helper:.*\nprobes-agent:.*\n$/u);
  t.deepEqual(enabled(machine), UNITS, 'by our preset, as no other says anything');
  t.is(machine.run('/usr/bin/probes-agent'), 'probes-agent 0.1.0\n');
  t.is(rpm(machine, '--verify', '--nodeps', 'platform-probes').stdout, '');

  const installed = machine.files();
  install(t, machine, '0.1.0', '--replacepkgs');
  t.deepEqual(machine.files(), installed, 'installing twice changes nothing');

  machine.run('systemctl', 'disable', 'probes-agent.service');
  writeFileSync(machine.at('etc/platform-probes/example.conf'), 'mine\n');
  install(t, machine, '0.2.0');
  t.is(machine.run('/usr/bin/probes-agent'), 'probes-agent 0.2.0\n');
  t.deepEqual(enabled(machine), ['probes-helper.service', 'platform-probes-audit.timer']);
  t.is(readFileSync(machine.at('etc/platform-probes/example.conf'), 'utf8'), 'mine\n', 'what was changed stays');
  install(t, machine, '0.1.0', '--oldpackage');
  t.is(machine.run('/usr/bin/probes-agent'), 'probes-agent 0.1.0\n');

  mkdirSync(machine.at('var/log/platform-probes'), { recursive: true });
  const erased = rpm(machine, '--erase', 'platform-probes');
  t.is(erased.status, 0, erased.stderr);
  t.false(existsSync(machine.at(LIBEXEC)));
  const left = machine.files().filter((line) => !before.includes(line));
  t.deepEqual(
    left
      .map((line) => line.split(' ', 1)[0])
      .filter((file) => !/^etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)-?$/u.test(file ?? '')),
    [
      'etc/platform-probes',
      'etc/platform-probes/example.conf.rpmsave',
      'etc/platform-probes/example.conf.rpmnew',
      'var/log/platform-probes',
    ].toSorted(),
    'the accounts, events, and files that the administrator changed stay',
  );
});

debianTest('rpm --verify names a file of which one byte was changed', (t) => {
  const machine = machineWithPackages(t);
  install(t, machine, '0.1.0');
  flipByte(machine.at(`${LIBEXEC}/probes-helper`));
  t.regex(
    rpm(machine, '--verify', '--nodeps', 'platform-probes').stdout,
    /^\S*5\S*\s+\/usr\/libexec\/platform-probes\/probes-helper\n$/u,
  );
});

debianTest('the .rpm restarts what runs with the helper first, and stops it with the agent last', (t) => {
  const machine = machineWithPackages(t);
  runSystemd(machine);
  install(t, machine, '0.1.0');
  const restarts = UNITS.map((unit) => `try-restart ${unit}`);
  t.deepEqual(told(machine), ['daemon-reload', ...restarts], 'nothing is started');
  install(t, machine, '0.2.0');
  t.deepEqual(told(machine), ['daemon-reload', ...restarts]);
  for (const folder of ['run/platform-probes', 'sys/fs/bpf/platform-probes', 'sys/fs/bpf/other'])
    mkdirSync(machine.at(folder), { recursive: true });
  t.is(rpm(machine, '--erase', 'platform-probes').status, 0);
  t.deepEqual(told(machine), [
    'stop platform-probes-audit.timer platform-probes-audit.service probes-helper.service',
    'stop probes-agent.service',
    'disable platform-probes-audit.timer probes-helper.service probes-agent.service',
    'daemon-reload',
  ]);
  t.false(existsSync(machine.at('run/platform-probes')));
  t.false(existsSync(machine.at('sys/fs/bpf/platform-probes')));
  t.true(existsSync(machine.at('sys/fs/bpf/other')));
});

debianTest('in a chroot, erasing the .rpm touches neither pins nor sockets', (t) => {
  const machine = machineWithPackages(t);
  install(t, machine, '0.1.0');
  for (const folder of ['run/systemd/system', 'run/platform-probes', 'sys/fs/bpf/platform-probes'])
    mkdirSync(machine.at(folder), { recursive: true });
  t.is(rpm(machine, '--erase', 'platform-probes').status, 0);
  t.true(existsSync(machine.at('run/platform-probes')));
  t.true(existsSync(machine.at('sys/fs/bpf/platform-probes')));
});
