// Installs from the signed repository, upgrades in the middle of a storm, stops and kills what it can, removes and
// purges. Argument: the folder that the host filled.
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import {
  attempt,
  check,
  differences,
  end,
  journal,
  linesOf,
  mainPid,
  property,
  run,
  snapshot,
  step,
  until,
} from './guest.ts';
import type { Facts } from './facts.ts';
import { Storm } from './storm.ts';

const FOLDER = process.argv[2]!;
const { older, newer, units, dropIns } = JSON.parse(readFileSync(`${FOLDER}/facts.json`, 'utf8')) as Facts;
const HELPER = 'probes-helper.service';
const AGENT = 'probes-agent.service';
const AUDIT = 'platform-probes-audit.service';
const CONFIG = '/etc/platform-probes/agent.yaml';
const EVENTS = '/var/log/platform-probes/events.jsonl';
const ALERTS = '/var/log/platform-probes/alerts.jsonl';

const apt = (...args: string[]): string => run('apt-get', '--yes', '--quiet', ...args);
const restarts = (unit: string): number => Number(property(unit, 'NRestarts'));
const active = (unit: string): boolean => property(unit, 'ActiveState') === 'active';
const both = async (): Promise<void> => {
  for (const unit of [HELPER, AGENT])
    await until(
      `${unit} is active`,
      () => active(unit),
      () => run('systemctl', 'status', '--no-pager', '--full', '--lines=30', unit),
    );
};

mkdirSync('/etc/apt/keyrings', { recursive: true });
mkdirSync('/etc/systemd/system', { recursive: true });
writeFileSync('/etc/apt/keyrings/platform-probes.asc', readFileSync(`${FOLDER}/repository/platform-probes.asc`));
writeFileSync(
  '/etc/apt/sources.list',
  `deb [signed-by=/etc/apt/keyrings/platform-probes.asc] file:${FOLDER}/repository/apt stable main\n`,
);
const before = snapshot();

await step('apt installs from the signed repository', () => {
  apt('update');
  apt('install', `platform-probes=${older}`);
  return run('dpkg-query', '-W', 'platform-probes').trim();
});

await step('both services are active: they reported that they are ready', async () => {
  await both();
  await until('the agent is connected', () => property(AGENT, 'StatusText').startsWith('connected to the helper; '));
  for (const unit of [HELPER, AGENT]) check(property(unit, 'Type') === 'notify', `${unit} is not of Type=notify`);
  return property(AGENT, 'StatusText');
});

await step('each has its own user and no privilege', () => {
  for (const [unit, user] of [
    [HELPER, 'probes-helper'],
    [AGENT, 'probes-agent'],
  ] as const) {
    const status = readFileSync(`/proc/${mainPid(unit)}/status`, 'utf8');
    const uid = run('id', '-u', user).trim();
    check(new RegExp(`^Uid:\\t${uid}\\t${uid}\\t${uid}\\t${uid}$`, 'mu').test(status), `${unit}:\n${status}`);
    check(/^CapEff:\t0+$/mu.test(status) && /^NoNewPrivs:\t1$/mu.test(status), `${unit}:\n${status}`);
    check(/^CapBnd:\t0+$/mu.test(status), `${unit}:\n${status}`);
  }
});

await step('the audit has no findings, by hand and as a unit, in the journal', async () => {
  run('probes-helper', 'audit', '--manifest', '/usr/libexec/platform-probes/manifest.json');
  run('systemctl', 'start', AUDIT);
  await until(
    'the journal has it',
    () => journal(AUDIT).includes('No findings.'),
    () => journal(AUDIT),
  );
  check(property('platform-probes-audit.timer', 'ActiveState') === 'active', 'the timer is not active');
  check(property('platform-probes-audit.timer', 'NextElapseUSecRealtime') !== '', 'the timer has no next time');
});

/** The verdict of systemd-analyze on a unit. @throws {Error} when it is not what docs/services.md says */
function exposure(unit: string, expected: number): string {
  const all = run('systemd-analyze', 'security', '--no-pager', unit);
  const level = Number(/exposure level for \S+: ([\d.]+)/u.exec(all)?.[1] ?? NaN);
  check(level === expected, `${unit}: ${level}, not ${expected}\n${all}`);
  return `${unit} ${level}`;
}

await step('systemd finds the exposures that docs/services.md explains, and no mistake in the units', () => {
  check(units.length === 3, JSON.stringify(units));
  const said = units.map(({ unit, exposure: expected }) => exposure(unit, expected));
  const all = [HELPER, AGENT, AUDIT, 'platform-probes-audit.timer'];
  const mistakes = attempt('systemd-analyze', 'verify', '--man=no', ...all).output.trim();
  check(mistakes === '', mistakes);
  return said.join(', ');
});

await step('an alert is in the file of alerts and in the journal', async () => {
  // A case for the starter rules.
  attempt('/bin/sh', '-c', 'cp /bin/true /tmp/.hidden; chmod 755 /tmp/.hidden; /tmp/.hidden; rm /tmp/.hidden');
  const isAlert = (line: string): boolean => line.includes('/tmp/.hidden') && line.includes('"rules"');
  await until('the file has it', () => linesOf(ALERTS).some(isAlert));
  await until('the journal has it', () => journal(AGENT).split('\n').some(isAlert));
});

await step('a faulty configuration is not loaded: reload fails, and the agent goes on', async () => {
  const good = readFileSync(CONFIG, 'utf8');
  const pid = mainPid(AGENT);
  writeFileSync(CONFIG, good.replace('outputs:', 'outptus:'));
  const { status } = attempt('systemctl', 'reload', AGENT);
  check(status !== 0, 'reload accepted it');
  await until('the journal names the problem', () => journal(AGENT).includes('unknown key, did you mean outputs?'));
  check(active(AGENT) && mainPid(AGENT) === pid, 'the agent did not go on');
  check(!journal(AGENT).includes('"ConfigReloaded"'), 'the agent read the file');
  writeFileSync(CONFIG, good);
  run('systemctl', 'reload', AGENT);
  await until('a good one is', () => journal(AGENT).includes('"ConfigReloaded"') && active(AGENT));
  check(mainPid(AGENT) === pid, 'the agent was restarted');
});

await step('a secret comes by LoadCredential, to an output over the network', async () => {
  const tokens = new Set<string>();
  const server = createServer((request, response) => {
    tokens.add(String(request.headers.authorization));
    request.resume().on('end', () => response.end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const good = readFileSync(CONFIG, 'utf8');
  mkdirSync('/etc/platform-probes/secrets', { mode: 0o700 });
  writeFileSync('/etc/platform-probes/secrets/soc-token', 'correct-horse\n', { mode: 0o600 });
  mkdirSync(`/etc/systemd/system/${AGENT}.d`, { recursive: true });
  writeFileSync(
    `/etc/systemd/system/${AGENT}.d/credentials.conf`,
    '[Service]\nLoadCredential=soc-token:/etc/platform-probes/secrets/soc-token\n',
  );
  const output = `  - name: soc
    type: http
    url: http://127.0.0.1:${port}/events
    auth: { token_file: $CREDENTIALS_DIRECTORY/soc-token }
`;
  writeFileSync(CONFIG, good.replace('outputs:\n', `outputs:\n${output}`));
  run('systemctl', 'daemon-reload');
  run('systemctl', 'restart', AGENT);
  await until(
    'the receiver saw it',
    () => tokens.has('Bearer correct-horse'),
    () => `${[...tokens].join()}\n${journal(AGENT).slice(-4000)}`,
  );
  writeFileSync(CONFIG, good);
  run('rm', '-r', `/etc/systemd/system/${AGENT}.d`, '/etc/platform-probes/secrets');
  run('systemctl', 'daemon-reload');
  run('systemctl', 'restart', AGENT);
  server.closeAllConnections();
  server.close();
  await both();
});

await step('an upgrade in the middle of a storm, restarts, and kill -9 of both lose no event', async () => {
  const storm = new Storm(FOLDER, 'during-upgrade');
  await until('the storm has begun', () => storm.found(EVENTS).distinct > 50);
  const [helper, agent] = [mainPid(HELPER), mainPid(AGENT)];
  const atUpgrade = storm.count;
  apt('install', `platform-probes=${newer}`);
  const upgraded = storm.count - atUpgrade;
  check(upgraded > 100, `only ${upgraded} execs during the upgrade`);
  await both();
  check(mainPid(HELPER) !== helper && mainPid(AGENT) !== agent, 'the upgrade restarted nothing');
  run('systemctl', 'restart', HELPER);
  run('systemctl', 'restart', AGENT);
  await both();
  for (const unit of [HELPER, AGENT]) {
    const count = restarts(unit);
    run('systemctl', 'kill', '--kill-whom=main', '--signal=KILL', unit);
    await until(`${unit} was restarted`, () => restarts(unit) > count && active(unit));
  }
  const count = await storm.stop();
  await until(
    'every exec is in the file',
    () => storm.found(EVENTS).distinct === count,
    () => `${storm.found(EVENTS).distinct} of ${count}\n${journal(AGENT).slice(-4000)}`,
  );
  return `${count} execs, ${upgraded} of them during the upgrade, all there, ${storm.found(EVENTS).twice} of them twice; ${run('dpkg-query', '-W', 'platform-probes').trim()}`;
});

await step('a helper that hangs is killed by the watchdog, started again, and has lost nothing', async () => {
  const storm = new Storm(FOLDER, 'during-hang');
  const count = restarts(HELPER);
  process.kill(mainPid(HELPER), 'SIGSTOP');
  await until('it was restarted', () => restarts(HELPER) > count && active(HELPER));
  check(journal(HELPER).includes('Watchdog timeout'), journal(HELPER));
  const execs = await storm.stop();
  await until('every exec is in the file', () => storm.found(EVENTS).distinct === execs);
  return `${execs} execs, all there`;
});

await step('an agent that hangs is ended by the watchdog, started again, and has lost nothing', async () => {
  const storm = new Storm(FOLDER, 'without-agent');
  const count = restarts(AGENT);
  process.kill(mainPid(AGENT), 'SIGSTOP');
  await until(
    'it was restarted',
    () => restarts(AGENT) > count && active(AGENT),
    () => journal(AGENT),
    400,
  );
  check(journal(AGENT).includes('Watchdog timeout'), journal(AGENT));
  const execs = await storm.stop();
  await until('every exec is in the file', () => storm.found(EVENTS).distinct === execs);
  return `${execs} execs, all there`;
});

await step('the audit has no findings after all that', () => {
  run('probes-helper', 'audit', '--manifest', '/usr/libexec/platform-probes/manifest.json');
});

await step('verify says that the events are complete', () => {
  run('systemctl', 'stop', AGENT);
  const files = run('sh', '-c', `ls -tr ${EVENTS}*`).trim().split('\n');
  const { streams } = JSON.parse(run('probes-agent', 'verify', ...files)) as {
    streams: { complete: boolean; complete_to: number; events: number }[];
  };
  run('systemctl', 'start', AGENT);
  check(streams.length === 1 && streams[0]?.complete === true, JSON.stringify(streams));
  return `${streams[0]?.events} events, complete to ${streams[0]?.complete_to}`;
});

await step('a second installation of the same version changes nothing', async () => {
  const pid = mainPid(HELPER);
  const installed = snapshot('/var/log/platform-probes', '/run/platform-probes').files;
  apt('install', '--reinstall', `platform-probes=${newer}`);
  await both();
  check(mainPid(HELPER) !== pid, 'nothing was restarted');
  const changed = differences(installed, snapshot('/var/log/platform-probes', '/run/platform-probes').files);
  check(changed.length === 0, changed.join('\n'));
});

for (const { title, unit, text, exposure: expected } of dropIns) {
  await step(`with the drop-in "${title}" the service starts and works, again after a restart`, async () => {
    mkdirSync(`/etc/systemd/system/${unit}.d`, { recursive: true });
    writeFileSync(`/etc/systemd/system/${unit}.d/override.conf`, text);
    try {
      run('systemctl', 'daemon-reload');
      for (const mark of [`${title}, once`, `${title}, twice`]) {
        run('systemctl', 'restart', unit);
        await both();
        await until('the agent is connected', () =>
          property(AGENT, 'StatusText').startsWith('connected to the helper; '),
        );
        run('/bin/true', mark);
        await until('an event arrives', () => linesOf(EVENTS).some((line) => line.includes(mark)));
      }
      return expected === undefined ? undefined : exposure(unit, expected);
    } finally {
      run('rm', '-r', `/etc/systemd/system/${unit}.d`);
      run('systemctl', 'daemon-reload');
      run('systemctl', 'restart', unit);
      await both();
    }
  });
}

await step('remove stops both, and takes pins and sockets away; events and configuration stay', () => {
  apt('remove', 'platform-probes');
  check(existsSync(CONFIG) && existsSync(EVENTS), 'something is gone');
  const after = snapshot();
  for (const kind of ['pins', 'sockets', 'processes'] as const) {
    const changed = differences(before[kind], after[kind]).filter((line) => line.startsWith('+'));
    check(changed.length === 0, `${kind}:\n${changed.join('\n')}`);
  }
});

await step('purge leaves the system as it was, except the accounts', () => {
  apt('purge', 'platform-probes');
  const changed = differences(before.files, snapshot().files).filter(
    (line) => !/^. \/etc\/(?:passwd|group|g?shadow|subuid|subgid)-? /u.test(line),
  );
  check(changed.length === 0, changed.join('\n'));
  check(attempt('systemctl', '--failed', '--no-legend').output.trim() === '', 'a unit has failed');
});

chmodSync('/tmp', 0o1777);
end();
