// The Ansible role, run by a real Ansible in a Debian 12 in which no systemd runs.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { stringify } from 'yaml';
import { debName, makeDeb } from '../../installers/linux/deb.ts';
import { linuxPayload } from '../../installers/linux/payload.ts';
import { updateRepository } from '../../installers/repository/repository.ts';
import { inCheckout } from '../../installers/tools/root-folder.ts';
import { run } from '../../installers/tools/run.ts';
import { VERSION } from '../../shared/version.ts';
import { Debian, debianTest, WITH_ANSIBLE } from '../linux-packages/support/debian.ts';
import { makeSmall } from '../linux-packages/support/small.ts';

const AGENT_YAML = 'etc/platform-probes/agent.yaml';
const DROP_IN = 'etc/systemd/system/probes-agent.service.d/50-ansible-credentials.conf';

const scratch = mkdtempSync(path.join(tmpdir(), 'probes-ansible-'));
test.after.always(() => rmSync(scratch, { recursive: true, force: true }));

interface Result {
  readonly status: number | null;
  readonly output: string;
  readonly changed: number;
}

/** A machine with the role in /role, which Ansible runs on itself. */
class Managed {
  readonly machine: Debian;

  constructor(t: ExecutionContext) {
    this.machine = new Debian(t, WITH_ANSIBLE);
    cpSync(inCheckout('installers/ansible/roles'), this.machine.at('role/roles'), { recursive: true });
  }

  play(vars: Readonly<Record<string, unknown>>, ...flags: string[]): Result {
    const tasks = [
      { name: 'Test', hosts: 'localhost', connection: 'local', roles: [{ role: 'platform_probes', vars }] },
    ];
    writeFileSync(this.machine.at('role/play.yml'), stringify(tasks));
    const settings = Object.entries({
      ANSIBLE_ROLES_PATH: '/role/roles',
      ANSIBLE_NOCOLOR: '1',
      ANSIBLE_LOCAL_TEMP: '/tmp/ansible',
      ANSIBLE_REMOTE_TEMP: '/tmp/ansible',
    }).map(([name, value]) => `${name}=${value}`);
    const ansible = ['ansible-playbook', '-i', 'localhost,', '--diff', '/role/play.yml', ...flags];
    const { status, stdout, stderr } = this.machine.try('env', ...settings, ...ansible);
    return { status, output: stdout + stderr, changed: Number(/changed=(\d+)/u.exec(stdout)?.[1] ?? -1) };
  }

  read(name: string): string {
    return readFileSync(this.machine.at(name), 'utf8');
  }
}

debianTest('the role installs, configures, is idempotent, refuses a wrong configuration, and removes', async (t) => {
  const managed = new Managed(t);
  const { machine } = managed;
  const deb = debName('x64', VERSION);
  const payload = await linuxPayload('x64');
  makeDeb({ architecture: 'x64', version: VERSION, payload, epoch: 1_795_352_083 }, machine.at(`role/${deb}`), scratch);
  mkdirSync(machine.at('role/rules'));
  const rule = readFileSync(inCheckout('test/fixtures/rule-for-ansible.yml'), 'utf8');
  writeFileSync(machine.at('role/rules/own.yml'), rule);
  const vars = {
    platform_probes_package_file: `/role/${deb}`,
    platform_probes_rules: '/role/rules/',
    platform_probes_credentials: { 'soc-token': 'a secret of the test', 'other': 'x' },
    platform_probes_config: {
      rules: { builtin: true, folders: ['/etc/platform-probes/rules'] },
      outputs: [
        { name: 'local', type: 'file', path: '/var/log/platform-probes/events.jsonl' },
        {
          name: 'soc',
          type: 'http',
          url: 'https://localhost/',
          auth: { token_file: '$CREDENTIALS_DIRECTORY/soc-token' },
        },
      ],
    },
  };

  const foreseen = managed.play(vars, '--check');
  t.is(foreseen.status, 0, foreseen.output);
  t.false(existsSync(machine.at('usr/bin/probes-agent')), 'check mode installs nothing');

  const first = managed.play(vars);
  t.is(first.status, 0, first.output);
  t.true(first.changed > 0);
  t.false(first.output.includes('a secret of the test'), 'no secret is printed');
  t.is(machine.run('/usr/bin/probes-agent', '--version'), `${VERSION}\n`);
  t.regex(managed.read(AGENT_YAML), /^# Managed by Ansible.*\n[^]*token_file: \$CREDENTIALS_DIRECTORY\/soc-token/u);
  t.is(managed.read('etc/platform-probes/rules/own.yml'), rule);
  t.is(managed.read('etc/platform-probes/credentials/soc-token'), 'a secret of the test');
  t.is(statSync(machine.at('etc/platform-probes/credentials/soc-token')).mode & 0o777, 0o600);
  t.true(managed.read(DROP_IN).endsWith('LoadCredential=soc-token:/etc/platform-probes/credentials/soc-token\n'));
  t.is(machine.run('systemctl', 'is-enabled', 'probes-helper.service'), 'enabled\n');

  const second = managed.play(vars);
  t.is(second.status, 0, second.output);
  t.is(second.changed, 0, second.output);

  const before = managed.read(AGENT_YAML);
  const wrong = managed.play({ ...vars, platform_probes_config: { outputs: [{ name: 'local', type: 'fiel' }] } });
  t.not(wrong.status, 0);
  t.regex(wrong.output, /fiel/u);
  t.is(managed.read(AGENT_YAML), before, 'the file that works stays');

  const fewer = managed.play({ ...vars, platform_probes_credentials: { 'soc-token': 'new' } });
  t.is(fewer.status, 0, fewer.output);
  t.false(existsSync(machine.at('etc/platform-probes/credentials/other')));
  t.false(managed.read(DROP_IN).includes('other'));

  const stopped = managed.play({ platform_probes_package_file: `/role/${deb}`, platform_probes_enabled: false });
  t.is(stopped.status, 0, stopped.output);
  t.is(machine.try('systemctl', 'is-enabled', 'probes-agent.service').stdout, 'disabled\n');

  const removed = managed.play({ platform_probes_state: 'absent' });
  t.is(removed.status, 0, removed.output);
  t.false(existsSync(machine.at('usr/bin/probes-agent')));
  t.false(existsSync(machine.at(DROP_IN)));
  t.false(existsSync(machine.at('etc/platform-probes/credentials')));
  t.true(existsSync(machine.at(AGENT_YAML)), 'the configuration stays');

  const purged = managed.play({ platform_probes_state: 'purged' });
  t.is(purged.status, 0, purged.output);
  t.false(existsSync(machine.at('etc/platform-probes')));
  const again = managed.play({ platform_probes_state: 'purged' });
  t.is(again.changed, 0, again.output);
});

debianTest('from a signed repository: a pinned version, an upgrade, and again nothing to change', (t) => {
  const managed = new Managed(t);
  const { machine } = managed;
  // In /tmp: the path of gpg's socket has at most 107 bytes.
  const home = mkdtempSync('/tmp/probes-home-');
  t.teardown(() => {
    run('gpgconf', ['--homedir', home, '--kill', 'all']);
    rmSync(home, { recursive: true, force: true });
  });
  const gpg = (...args: string[]): string =>
    run('gpg', ['--homedir', home, '--batch', '--quiet', '--passphrase', '', ...args]);
  gpg('--quick-generate-key', 'Test of the role', 'rsa2048', 'sign', 'never');
  writeFileSync(path.join(home, 'key.asc'), gpg('--armor', '--export-secret-keys'));
  const packages = path.join(scratch, 'packages');
  makeSmall(packages, '0.1.0', '0.2.0');
  updateRepository(machine.at('repository'), packages, { key: path.join(home, 'key.asc') });
  const vars = {
    platform_probes_repository_url: 'file:///repository',
    platform_probes_repository_key: '/repository/platform-probes.asc',
  };

  const pinned = managed.play({ ...vars, platform_probes_version: '0.1.0' });
  t.is(pinned.status, 0, pinned.output);
  t.is(machine.run('/usr/bin/probes-agent'), 'probes-agent 0.1.0\n');
  t.is(managed.play({ ...vars, platform_probes_version: '0.1.0' }).changed, 0);
  t.is(managed.play(vars).changed, 0, 'without a version, the one that is there stays');

  const upgraded = managed.play({ ...vars, platform_probes_version: '0.2.0' });
  t.is(upgraded.status, 0, upgraded.output);
  t.is(machine.run('/usr/bin/probes-agent'), 'probes-agent 0.2.0\n');

  const unknown = managed.play({ ...vars, platform_probes_version: '9.9.9' });
  t.not(unknown.status, 0);
  t.regex(unknown.output, /9\.9\.9/u);

  t.is(managed.play({ platform_probes_state: 'purged' }).status, 0);
  t.false(existsSync(machine.at('etc/apt/sources.list.d/platform-probes.sources')));
});
