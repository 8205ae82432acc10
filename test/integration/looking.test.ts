import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import type { Finding } from '../../agent/doctor/finding.ts';
import { AgentRun } from '../support/agent-process.ts';
import { fixture } from '../support/fixtures.ts';
import { CLIENT_GID, CLIENT_UID, startHelper, type RunningHelper } from '../support/helper-process.ts';
import { wholeLines } from '../support/lines.ts';
import { stormOf } from '../support/pace.ts';
import { requireDense } from '../support/pipe-client.ts';
import { kernelTest } from '../support/requirements.ts';
import { Terminal } from '../support/terminal.ts';

const agent = new AgentRun();
const control = `${path.dirname(agent.events)}/control.sock`;
const STRANGER = 64_913;
let helper: RunningHelper;

test.before(async () => {
  if (process.getuid!() !== 0) return;
  helper = await startHelper();
  agent.start(helper.socket, undefined, `control: { socket: ${control} }\n`);
  await agent.until(() => agent.log.includes('ControlListening') && agent.written().length > 0);
});

test.after.always(async () => {
  await agent.remove();
  await helper?.stop();
});

/** The built agent, with a command. */
function run(uid: number, ...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(`${agent.folder}/probes-agent`, args, {
    encoding: 'utf8',
    uid,
    gid: uid === CLIENT_UID ? CLIENT_GID : uid,
    env: {},
    cwd: '/',
    timeout: 60_000,
  });
  return { code: status, stdout, stderr };
}

function doctor(uid: number): { code: number | null; of: (check: string) => Finding[]; problems: Finding[] } {
  const { code, stdout, stderr } = run(uid, 'doctor', '--json', '--config', `${agent.folder}/agent.yaml`);
  if (stdout === '') throw new Error(stderr);
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  return {
    code,
    of: (check) => findings.filter((finding) => finding.check === check),
    problems: findings.filter(({ verdict }) => verdict === 'problem'),
  };
}

kernelTest('doctor: on a machine that is well it finds no problem, and its own exec arrives within a second', (t) => {
  for (const uid of [CLIENT_UID, 0]) {
    const { code, of, problems } = doctor(uid);
    t.deepEqual(problems, []);
    t.is(code, 0);
    t.like(of('canary')[0], { verdict: 'ok' }, of('canary')[0]!.says);
    t.regex(of('canary')[0]!.says, /arrived through the agent after 0\.\d\d s/);
    t.like(of('hello')[1], { verdict: 'ok', says: 'the helper holds no privilege' });
    t.like(of('heartbeat')[0], { verdict: 'ok' });
    t.regex(of('group')[0]!.says, /may connect/);
    t.like(of('descriptors')[0], { verdict: 'ok' });
  }
});

kernelTest('a stranger is told what he may not, and that is not the machine’s fault', (t) => {
  const { of } = doctor(STRANGER);
  t.like(of('hello')[0], { verdict: 'skipped' });
  t.like(of('canary')[0], { verdict: 'skipped' });
  t.like(of('control')[0], { verdict: 'skipped' });
  const { code, stderr } = run(STRANGER, 'tail', '--socket', control);
  t.is(code, 11);
  t.regex(stderr, new RegExp(`this user may not use .*: only uid ${CLIENT_UID} and root may`));
});

kernelTest('status: the helper without privileges, and since when it runs', (t) => {
  const { code, stdout } = run(CLIENT_UID, 'status', '--socket', control);
  t.is(code, 0);
  t.regex(stdout, /^HEALTHY/);
  t.regex(stdout, /source ebpf, up (?:\d+ min )?\d+ s/);
  t.regex(stdout, /no capabilities, no_new_privs, seccomp/);
});

kernelTest(
  'tail and top in terminals while 15,000 programs start: real rows, and nothing lost in the output',
  async (t) => {
    const count = stormOf(15_000);
    const command = (...args: string[]): string[] => [`${agent.folder}/probes-agent`, ...args, '--socket', control];
    await using tail = new Terminal(command('tail', '--tree'), { columns: 120 });
    await using other = new Terminal(command('tail', '--rate', '0'), { columns: 200 });
    await using top = new Terminal(command('top', '--interval', '500ms'), { columns: 100 });
    await tail.until(() => tail.text.includes('COMMAND'));
    await other.until(() => other.text.includes('COMMAND'));
    await top.until(() => top.text.includes('execs/s'));
    const mark = `storm-${process.pid}`;
    await once(spawn(fixture('exec-storm'), [fixture('no-op'), String(count), '2', mark], { stdio: 'ignore' }), 'exit');
    await agent.until(() => agent.marked(fixture('no-op'), mark).length === count, 60);
    await tail.until(() => tail.text.includes(mark));
    await top.until(() => top.screen.some((row) => row.includes('no-op')));
    await other.until(() => other.text.includes(mark));
    requireDense(wholeLines(readFileSync(agent.events, 'utf8')).map((line) => JSON.parse(line) as never));
    for (const terminal of [tail, other]) {
      terminal.type('\x03');
      t.is(await terminal.status, 0);
    }
    top.type('q');
    t.is(await top.status, 0);
    t.true(top.text.endsWith('\x1b[?25h\x1b[?1049l'));
  },
);

kernelTest('doctor with the agent stopped: the exec arrives from the helper', async (t) => {
  await agent.stop();
  const { code, of } = doctor(0);
  t.is(code, 10);
  t.like(of('canary')[0], { verdict: 'ok' }, of('canary')[0]!.says);
  t.regex(of('canary')[0]!.says, /arrived from the helper after 0\.\d\d s/);
  t.like(of('heartbeat')[0], { verdict: 'ok' });
  t.like(of('clock')[0], { verdict: 'ok' });
  t.regex(of('agent')[0]!.says, /no agent runs/);
});
