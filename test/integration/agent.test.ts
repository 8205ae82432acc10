import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import type { ProbeEvent } from '../../shared/events/parse.ts';
import { parseEvent } from '../support/events.ts';
import { copyAgent } from '../support/agent-process.ts';
import { misfit } from '../support/event-schema.ts';
import { fixture } from '../support/fixtures.ts';
import { CLIENT_GID, CLIENT_UID, startHelper, type RunningHelper } from '../support/helper-process.ts';
import { PATIENCE, stormOf } from '../support/pace.ts';
import { requireDense } from '../support/pipe-client.ts';
import { kernelTest } from '../support/requirements.ts';
import { wholeLines } from '../support/lines.ts';

const folder = mkdtempSync('/var/tmp/agent-end-to-end-');
const events = `${folder}/log/events.jsonl`;
const config = `${folder}/agent.yaml`;
const agents: ChildProcess[] = [];
const [FIRST, SECOND, THIRD] = [stormOf(5000), stormOf(1000), stormOf(2000)] as const;
let helper: RunningHelper | undefined;

test.before(() => {
  chmodSync(folder, 0o755);
  mkdirSync(path.dirname(events));
  chownSync(path.dirname(events), CLIENT_UID, CLIENT_GID);
  copyAgent(folder);
});

test.after.always(async () => {
  for (const agent of agents) agent.kill('SIGKILL');
  await helper?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The built agent under its own uid, with a file as its output. */
function startAgent(): ChildProcess {
  const agent = spawn(`${folder}/probes-agent`, ['run', '--config', config], {
    uid: CLIENT_UID,
    gid: CLIENT_GID,
    cwd: '/',
    env: {},
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  agents.push(agent);
  return agent;
}

const written = (): ProbeEvent[] =>
  wholeLines(readFileSync(events, 'utf8')).map((line) => parseEvent(line) as ProbeEvent);

const until = async (found: () => boolean): Promise<void> => {
  for (let waited = 0; waited < 20_000 * PATIENCE; waited += 20) {
    try {
      if (found()) return;
    } catch {
      // The file is not there yet, or its last line is not whole.
    }
    await delay(20);
  }
  throw new Error('not seen within 20 s');
};

const storm = async (count: number, mark: string): Promise<void> => {
  const run = spawn(fixture('exec-storm'), [fixture('no-op'), String(count), '2', mark], { stdio: 'ignore' });
  await once(run, 'exit');
};
const marked = (mark: string): ProbeEvent[] =>
  written().filter(
    (event) => event.type === 'exec' && event.filename === fixture('no-op') && event.argv?.at(-1) === mark,
  );

kernelTest('an unprivileged agent writes every exec of the machine to a file that only it can read', async (t) => {
  helper = await startHelper();
  writeFileSync(
    config,
    `source: { socket: ${helper.socket} }\noutputs:\n  - { name: local, type: file, path: ${events}, identity: true }\n`,
  );
  startAgent();
  await until(() => statSync(events).isFile());
  await storm(FIRST, 'first');
  await until(() => marked('first').length === FIRST);
  const { mode, uid } = statSync(events);
  t.deepEqual([mode & 0o777, uid], [0o600, CLIENT_UID]);
  requireDense(written());
  t.deepEqual(
    written()
      .flatMap((event) => misfit(event) ?? [])
      .slice(0, 3),
    [],
    'they fit the published schema',
  );
  t.true(written().every((event) => 'host_id' in event));
});

kernelTest('an agent that was away gets from the backlog what it missed, and nothing twice', async (t) => {
  const socket = helper?.socket ?? '';
  // The helper is restarted under the agent's feet: the agent comes back by itself.
  await helper?.stop();
  helper = await startHelper([], { socket });
  await storm(SECOND, 'second');
  await until(() => marked('second').length >= SECOND);
  t.is(marked('second').length, SECOND);
  t.is(marked('first').length, FIRST);
});

kernelTest('SIGTERM leaves everything that was taken on disk, and exit code 0', async (t) => {
  const agent = agents[0] as ChildProcess;
  await storm(THIRD, 'third');
  await delay(300);
  agent.kill('SIGTERM');
  t.deepEqual(await once(agent, 'exit'), [0, null]);
  t.is(marked('third').length, THIRD);
});

kernelTest('in a pipe, standard output is one line of JSON an event', async (t) => {
  writeFileSync(config, `source: { socket: ${helper?.socket} }\noutputs:\n  - { name: screen, type: stdout }\n`);
  const agent = startAgent();
  let text = '';
  agent.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  await storm(50, 'piped');
  await until(() => text.includes('"piped"') && text.endsWith('\n'));
  for (const line of wholeLines(text)) t.notThrows(() => parseEvent(line));
});

kernelTest('check says that a helper is stopped, and that one answers', async (t) => {
  const check = async (): Promise<string> => {
    const run = spawn(`${folder}/probes-agent`, ['check', '--config', config], {
      uid: CLIENT_UID,
      gid: CLIENT_GID,
      env: {},
    });
    let text = '';
    run.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    t.deepEqual(await once(run, 'close'), [0, null]);
    return text;
  };
  t.is(await check(), '');
  helper?.process.kill('SIGSTOP');
  t.regex(await check(), /^warning: .*sent nothing within 2 s; probes-helper is stopped, or hangs\n$/);
  helper?.process.kill('SIGCONT');
  t.is(await check(), '');
});
