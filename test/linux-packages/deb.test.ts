// The .deb in a real Debian 12, by real dpkg, deb-systemd-helper and systemd-sysusers. systemd does not run in it.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';

import { debName } from '../../installers/linux/deb.ts';
import { LIBEXEC } from '../../installers/linux/payload.ts';
import { Debian, debianTest } from './support/debian.ts';
import { flipByte } from './support/flip-byte.ts';
import { runSystemd, told, UNITS } from './support/running-systemd.ts';
import { makeSmall } from './support/small.ts';

/** A Debian with the packages of two versions in /root. */
function debian(t: ExecutionContext): Debian {
  const machine = new Debian(t);
  makeSmall(machine.at('root'), '0.1.0', '0.2.0');
  return machine;
}

const install = (machine: Debian, version: string): string =>
  machine.run('dpkg', '--install', `/root/${debName('x64', version)}`);

/** The units that start at boot. */
const enabled = (machine: Debian): string[] =>
  UNITS.filter((unit) => machine.try('systemctl', 'is-enabled', unit).stdout.trim() === 'enabled');

debianTest('install, install again, upgrade, remove and purge leave what docs/decisions/0046 says', (t) => {
  const machine = debian(t);
  mkdirSync(machine.at('var/lib/systemd/timers'));
  const before = machine.files();
  install(machine, '0.1.0');
  t.regex(machine.run('getent', 'passwd', 'probes-helper', 'probes-agent'), /^probes-helper:.*\nprobes-agent:.*\n$/u);
  t.regex(machine.run('id', '-nG', 'probes-agent'), /\bprobes\b/u);
  t.deepEqual(enabled(machine), UNITS);
  t.is(machine.run('/usr/bin/probes-agent'), 'probes-agent 0.1.0\n');
  t.is(machine.run('/usr/sbin/probes-helper'), 'probes-helper 0.1.0\n');
  t.is(machine.run('dpkg', '--verify', 'platform-probes'), '');

  const installed = machine.files();
  install(machine, '0.1.0');
  t.deepEqual(machine.files(), installed, 'installing twice changes nothing');

  install(machine, '0.2.0');
  t.is(machine.run('/usr/bin/probes-agent'), 'probes-agent 0.2.0\n');
  t.is(readFileSync(machine.at('etc/platform-probes/example.conf'), 'utf8'), 'version: 0.2.0\n');
  t.deepEqual(enabled(machine), UNITS);

  for (const folder of ['var/lib/platform-probes', 'var/log/platform-probes', 'etc/platform-probes/rules']) {
    mkdirSync(machine.at(folder), { recursive: true });
    writeFileSync(machine.at(`${folder}/own`), 'data');
  }
  // systemd notes here when a timer ran last.
  writeFileSync(machine.at('var/lib/systemd/timers/stamp-platform-probes-audit.timer'), '');
  machine.run('dpkg', '--remove', 'platform-probes');
  t.false(existsSync(machine.at(LIBEXEC)));
  t.true(existsSync(machine.at('etc/platform-probes/example.conf')), 'remove keeps the configuration');
  t.true(existsSync(machine.at('var/log/platform-probes/own')), 'and events');

  machine.run('dpkg', '--purge', 'platform-probes');
  const accounts = /^etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)-? /u;
  const after = machine.files();
  const others = (files: string[], than: string[]): string[] =>
    files.filter((line) => !than.includes(line) && !accounts.test(line));
  t.deepEqual(others(after, before), [], 'purge leaves nothing, except the accounts');
  t.deepEqual(others(before, after), [], 'and takes nothing else');
  t.regex(machine.run('getent', 'passwd', 'probes-agent'), /nologin\n$/u);
});

debianTest('what an administrator disabled, masked or changed survives an upgrade', (t) => {
  const machine = debian(t);
  install(machine, '0.1.0');
  machine.run('systemctl', 'disable', 'probes-agent.service');
  machine.run('systemctl', 'mask', 'platform-probes-audit.timer');
  writeFileSync(machine.at('etc/platform-probes/example.conf'), 'mine\n');
  machine.run('dpkg', '--force-confold', '--install', `/root/${debName('x64', '0.2.0')}`);
  t.deepEqual(enabled(machine), ['probes-helper.service']);
  t.is(machine.try('systemctl', 'is-enabled', 'platform-probes-audit.timer').stdout, 'masked\n');
  t.is(readFileSync(machine.at('etc/platform-probes/example.conf'), 'utf8'), 'mine\n');
  // The older version again.
  machine.run('dpkg', '--force-confold', '--install', `/root/${debName('x64', '0.1.0')}`);
  t.is(machine.run('/usr/bin/probes-agent'), 'probes-agent 0.1.0\n');
  t.deepEqual(enabled(machine), ['probes-helper.service']);
});

debianTest('dpkg --verify names a file of which one byte was changed', (t) => {
  const machine = debian(t);
  install(machine, '0.1.0');
  flipByte(machine.at(`${LIBEXEC}/probes-helper`));
  t.regex(
    machine.try('dpkg', '--verify', 'platform-probes').stdout,
    /^\?\?5\S+\s+\/usr\/libexec\/platform-probes\/probes-helper\n$/u,
  );
});

debianTest(
  'services start on installation, restart on upgrade with the helper first, and stop on removal with the agent last',
  (t) => {
    const machine = debian(t);
    runSystemd(machine);
    install(machine, '0.1.0');
    t.deepEqual(told(machine), ['daemon-reload', ...UNITS.map((unit) => `start ${unit}`)]);
    install(machine, '0.2.0');
    t.deepEqual(told(machine), ['daemon-reload', ...UNITS.map((unit) => `restart ${unit}`)]);

    for (const folder of ['run/platform-probes', 'sys/fs/bpf/platform-probes', 'sys/fs/bpf/other']) {
      mkdirSync(machine.at(folder), { recursive: true });
      writeFileSync(machine.at(`${folder}/one`), '');
    }
    machine.run('dpkg', '--remove', 'platform-probes');
    t.deepEqual(told(machine), [
      'stop platform-probes-audit.timer platform-probes-audit.service probes-helper.service',
      'stop probes-agent.service',
      'daemon-reload',
    ]);
    t.false(existsSync(machine.at('run/platform-probes')));
    t.false(existsSync(machine.at('sys/fs/bpf/platform-probes')), 'no pin is left');
    t.true(existsSync(machine.at('sys/fs/bpf/other/one')), 'pins of others are');
  },
);

debianTest('removal keeps pins that a helper holds, and says so', (t) => {
  const machine = debian(t);
  runSystemd(machine);
  install(machine, '0.1.0');
  mkdirSync(machine.at('sys/fs/bpf/platform-probes'), { recursive: true });
  writeFileSync(machine.at('sys/fs/bpf/platform-probes/one'), '');
  // As helper/linux/root/pins.ts does: a lock on the folder.
  const removed = machine.try('flock', '/sys/fs/bpf/platform-probes', 'dpkg', '--remove', 'platform-probes');
  t.is(removed.status, 0, removed.stderr);
  t.regex(removed.stderr, /kept \/sys\/fs\/bpf\/platform-probes, because a helper still uses it/u);
  t.true(existsSync(machine.at('sys/fs/bpf/platform-probes/one')));
});

debianTest('in a chroot, removal touches neither pins nor sockets: they may be those of the machine outside', (t) => {
  const machine = debian(t);
  install(machine, '0.1.0');
  for (const folder of ['run/systemd/system', 'run/platform-probes', 'sys/fs/bpf/platform-probes'])
    mkdirSync(machine.at(folder), { recursive: true });
  machine.run('dpkg', '--purge', 'platform-probes');
  t.true(existsSync(machine.at('run/platform-probes')));
  t.true(existsSync(machine.at('sys/fs/bpf/platform-probes')));
});
