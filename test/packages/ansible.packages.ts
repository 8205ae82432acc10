// The Ansible role installs from the signed repository, configures, reloads and removes, on a Debian with systemd that
// Ansible manages from within. Argument: the folder that the host filled.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

import { attempt, check, end, linesOf, mainPid, property, run, step, until, type Ended } from './guest.ts';

const FOLDER = process.argv[2]!;
const UNITS = ['probes-helper.service', 'probes-agent.service'];
const AGENT = 'probes-agent.service';
const EVENTS = '/var/log/platform-probes/chosen-by-ansible.jsonl';
const WORK = '/srv/role';

/** Things that must be gone in the end. */
const LEFTOVERS = [
  '/usr/libexec/platform-probes',
  '/etc/platform-probes',
  '/var/lib/platform-probes',
  '/var/log/platform-probes',
  '/etc/systemd/system/probes-agent.service.d',
  '/etc/apt/sources.list.d/platform-probes.sources',
  '/sys/fs/bpf/platform-probes',
  '/run/platform-probes',
];

mkdirSync(WORK);
// Debian's own, which a guest without a network does not reach.
rmSync('/etc/apt/sources.list', { force: true });

/** Runs the role. JSON is YAML too. */
function play(vars: Readonly<Record<string, unknown>>): Ended & { changed: number } {
  const plays = [{ hosts: 'localhost', connection: 'local', roles: [{ role: 'platform_probes', vars }] }];
  writeFileSync(`${WORK}/play.yml`, JSON.stringify(plays));
  const settings = [`ANSIBLE_ROLES_PATH=${FOLDER}/ansible/roles`, 'ANSIBLE_NOCOLOR=1'];
  const ended = attempt('env', ...settings, 'ansible-playbook', '-i', 'localhost,', `${WORK}/play.yml`);
  return { ...ended, changed: Number(/changed=(\d+)/u.exec(ended.output)?.[1] ?? -1) };
}

const output = { name: 'local', type: 'file', path: EVENTS };
const vars = {
  platform_probes_repository_url: `file://${FOLDER}/repository`,
  platform_probes_repository_key: `${FOLDER}/repository/platform-probes.asc`,
  platform_probes_credentials: { 'soc-token': 'a secret of the test' },
  platform_probes_config: { outputs: [output] },
};
const active = async (): Promise<void> => {
  for (const unit of UNITS) await until(`${unit} is active`, () => property(unit, 'ActiveState') === 'active');
};

await step('the role installs, and the services run with its configuration', async () => {
  const { status, output: said } = play(vars);
  check(status === 0, said);
  await active();
  run('/bin/true', 'under ansible');
  await until('the event is in the file', () =>
    linesOf(EVENTS).some((line) => line.includes('"/bin/true under ansible"')),
  );
});

await step('the service has its credential', () => {
  const secret = readFileSync('/run/credentials/probes-agent.service/soc-token', 'utf8');
  check(secret === 'a secret of the test', secret);
});

await step('a second run changes nothing', () => {
  const { status, changed, output: said } = play(vars);
  check(status === 0 && changed === 0, said);
});

await step('a wrong configuration is refused, and the agent runs on', () => {
  const before = mainPid(AGENT);
  const { status, output: said } = play({
    ...vars,
    platform_probes_config: { outputs: [{ ...output, type: 'fiel' }] },
  });
  check(status !== 0 && said.includes('fiel'), said);
  check(mainPid(AGENT) === before, 'it was started again');
});

await step('another configuration is loaded without a restart', async () => {
  const before = mainPid(AGENT);
  const second = { ...output, name: 'second', path: `${EVENTS}.second` };
  const { status, output: said } = play({ ...vars, platform_probes_config: { outputs: [output, second] } });
  check(status === 0, said);
  await until('the new file is there', () => existsSync(second.path));
  check(mainPid(AGENT) === before, 'it was started again');
});

await step('purged, nothing is left', () => {
  const { status, output: said } = play({ platform_probes_state: 'purged' });
  check(status === 0, said);
  for (const place of LEFTOVERS) check(!existsSync(place), `${place} is still there`);
});

end();
