import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { copyAgent } from '../support/agent-process.ts';
import { fixture } from '../support/fixtures.ts';
import { CLIENT_GID, CLIENT_UID, startHelper, type RunningHelper } from '../support/helper-process.ts';
import { PATIENCE, stormOf } from '../support/pace.ts';
import { kernelTest } from '../support/requirements.ts';
import { wholeLines } from '../support/lines.ts';

interface Line {
  type: string;
  seq: number;
  first: number;
  count: number;
  filename?: string;
  argv?: string[];
  rules?: Array<{ id: string; title: string }>;
  ancestors?: Array<{ pid: number; exe?: string; command_line?: string }>;
}

const folder = mkdtempSync('/var/tmp/detection-end-to-end-');
const [all, alerts, rules, config] = [
  `${folder}/log/all.jsonl`,
  `${folder}/log/alerts.jsonl`,
  `${folder}/rules`,
  `${folder}/agent.yaml`,
];
/** Has the name of a web server, and is a shell that starts another one when it is told to. */
const server = `${folder}/nginx`;
const NOISE = stormOf(2000);
let helper: RunningHelper | undefined;
let agent: ChildProcess | undefined;
let daemon: ChildProcess | undefined;
let log = '';

test.before(() => {
  chmodSync(folder, 0o755);
  mkdirSync(rules);
  mkdirSync(path.dirname(all));
  chownSync(path.dirname(all), CLIENT_UID, CLIENT_GID);
  copyAgent(folder);
  copyFileSync('/bin/sh', server);
});

test.after.always(async () => {
  for (const child of [agent, daemon]) child?.kill('SIGKILL');
  await helper?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const linesOf = (file: string): Line[] =>
  wholeLines(readFileSync(file, 'utf8')).map((line) => JSON.parse(line) as Line);
const events = (): Array<Record<string, unknown>> =>
  wholeLines(log)
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const until = async (found: () => boolean): Promise<void> => {
  for (let waited = 0; waited < 20_000 * PATIENCE; waited += 20) {
    try {
      if (found()) return;
    } catch {
      // The file is not there yet.
    }
    await delay(20);
  }
  throw new Error(`not seen within 20 s: ${String(found)}\n${log}`);
};

const digest = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');
const rule = (id: string, detection: string): string =>
  `title: ${id}\nid: ${id}\nlevel: low\nlogsource: { category: process_creation, product: linux }\ndetection: { s: ${detection}, condition: s }\n`;

kernelTest(
  'real programs become alerts: by their parent, which ran before the probe did, by their user and by their digest',
  async (t) => {
    daemon = spawn(server, ['-c', 'read order; /bin/sh -c id; true'], { stdio: ['pipe', 'ignore', 'ignore'] });
    await delay(200);
    helper = await startHelper();
    writeFileSync(
      `${rules}/user.yml`,
      rule(
        'user',
        `{ User: root, CurrentDirectory: /var, Hashes|contains: 'SHA256=${digest(fixture('no-op')).toUpperCase()}' }`,
      ),
    );
    writeFileSync(
      config,
      `source: { socket: ${helper.socket} }
filters: [{ name: noise, detection: { s: { Image: ${fixture('no-op')}, CommandLine|endswith: ' noise' }, condition: s }, action: drop }]
rules: { folders: [${rules}] }
outputs: [{ name: all, type: file, path: ${all} }, { name: alerts, type: file, path: ${alerts}, events: alerts }]
`,
    );
    agent = spawn(`${folder}/probes-agent`, ['run', '--config', config], {
      uid: CLIENT_UID,
      gid: CLIENT_GID,
      cwd: '/',
      env: {},
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    agent.stderr!.setEncoding('utf8').on('data', (text: string) => (log += text));
    await until(() => linesOf(all).length > 0);
    daemon.stdin!.write('now\n');
    spawnSync(fixture('no-op'), { cwd: '/' });
    const byUser = (): Line[] => linesOf(alerts).filter((line) => line.rules?.some(({ id }) => id === 'user'));
    // Hashing what runs already may use up the time for it: then a later one is hashed.
    for (let tries = 0; tries < 40 && byUser().length === 0; tries++) {
      spawnSync(fixture('no-op'), { cwd: '/var' });
      await delay(250);
    }
    // Other programs of this machine may become alerts as well.
    const shells = (): Line[] => linesOf(alerts).filter((line) => line.ancestors?.[0]?.pid === daemon!.pid);
    await until(() => shells().length > 0 && byUser().length > 0);
    const [shell, ...more] = shells();
    t.deepEqual(more, []);
    t.true(shell!.rules!.some(({ title }) => title === 'Shell Started By A Web Server'));
    t.deepEqual(shell!.argv, ['/bin/sh', '-c', 'id']);
    t.like(shell!.ancestors?.[0], {
      pid: daemon.pid!,
      exe: server,
      command_line: `${server} -c read order; /bin/sh -c id; true`,
    });
    t.is(shell!.ancestors?.[1]?.pid, process.pid);
    t.true(byUser().every(({ argv }) => argv![0] === fixture('no-op')));
  },
);

kernelTest('a rule that is written now is in force a moment later', async (t) => {
  writeFileSync(`${rules}/late.yml`, rule('late', `{ CommandLine|contains: ' late-one' }`));
  await until(() => events().filter(({ event }) => event === 'RulesLoaded').length === 2);
  spawnSync(fixture('no-op'), ['late-one']);
  await until(() => linesOf(alerts).some((line) => line.rules?.some(({ id }) => id === 'late')));
  t.pass();
});

kernelTest('events, gaps and what the filter dropped are all numbers there were', async (t) => {
  await once(
    spawn(fixture('exec-storm'), [fixture('no-op'), String(NOISE), '2', 'noise'], { stdio: 'ignore' }),
    'exit',
  );
  spawnSync(fixture('no-op'), ['the-last']);
  await until(() => linesOf(all).some(({ argv }) => argv?.at(-1) === 'the-last'));
  agent!.kill('SIGTERM');
  t.deepEqual(await once(agent!, 'exit'), [0, null]);
  const lines = linesOf(all);
  const last = lines.find(({ argv }) => argv?.at(-1) === 'the-last')!.seq;
  const before = lines.filter((line) => (line.seq ?? line.first) <= last);
  const told = before.reduce((sum, line) => sum + (line.type === 'gap' ? line.count : 1), 0);
  const { dropped, filters } = events().find(({ event }) => event === 'EventsJudged') as {
    dropped: number;
    filters: object;
  };
  t.is(dropped, NOISE);
  t.deepEqual(filters, { noise: NOISE });
  t.is(told + dropped, last - (before[0]!.seq ?? before[0]!.first) + 1);
});
