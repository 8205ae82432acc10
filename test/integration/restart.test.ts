import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { linkPins } from '../../helper/linux/root/pins.ts';
import type { HelloEvent } from '../../shared/events/hello.ts';
import { AgentRun } from '../support/agent-process.ts';
import { fixture } from '../support/fixtures.ts';
import { helperFolder, startHelper, type RunningHelper } from '../support/helper-process.ts';
import { stormOf } from '../support/pace.ts';
import { PipeClient, requireDense, settledHeartbeat } from '../support/pipe-client.ts';
import { kernelTest } from '../support/requirements.ts';

const socket = `/run/platform-probes-restart-${process.pid}/events.sock`;
const pins = `/sys/fs/bpf/${path.basename(path.dirname(socket))}`;
const noOp = fixture('no-op');
const LOAD = stormOf(30_000, 3000);
const UPGRADE_LOAD = stormOf(20_000, 2000);
let helper: RunningHelper | undefined;
let agent: AgentRun | undefined;

test.afterEach.always(async () => {
  await agent?.remove();
  await helper?.stop();
  agent = helper = undefined;
  rmSync(pins, { recursive: true, force: true });
});

const storm = (count: number, mark: string): Promise<unknown> =>
  once(spawn(fixture('exec-storm'), [noOp, String(count), '2', mark], { stdio: 'ignore' }), 'exit');

kernelTest(
  'a helper that is killed again and again under load loses nothing and the agent writes nothing twice',
  async (t) => {
    helper = await startHelper(['--pin'], { socket });
    agent = new AgentRun();
    agent.start(socket);
    let [kills, execs, running] = [0, 0, true];
    const load = async (): Promise<void> => {
      // On a slow machine a helper takes longer to start than the storm to pass.
      for (; kills < 3; execs += LOAD) await storm(LOAD, 'load');
      running = false;
    };
    void load();
    while (running) {
      await delay(400);
      helper.process.kill('SIGKILL');
      await once(helper.process, 'exit');
      kills++;
      helper = await startHelper(['--pin'], { socket });
    }
    await agent.until(() => agent?.marked(noOp, 'load').length === execs);
    await delay(500);
    const written = agent.written();
    requireDense(written);
    t.is(agent.marked(noOp, 'load').length, execs);
    t.false(written.some(({ type }) => type === 'gap'));
  },
);

kernelTest('what runs while no helper is there is told by the next one', async (t) => {
  helper = await startHelper(['--pin'], { socket });
  const before = new PipeClient(socket);
  await before.until(() => before.events.length > 0);
  await helper.stop();
  await storm(500, 'unwatched');
  helper = await startHelper(['--pin'], { socket });
  const after = new PipeClient(socket);
  await after.until(
    () => after.execs.filter(({ filename, argv }) => filename === noOp && argv?.at(-1) === 'unwatched').length === 500,
  );
  requireDense(after.events);
  t.is(after.hello.first_seq, before.hello.first_seq);
  after.close();
});

kernelTest('past the size of the ring, the gap after a restart is exact', async (t) => {
  helper = await startHelper(['--pin', '--ring', '64KiB'], { socket });
  await helper.stop();
  await storm(1000, 'too many');
  helper = await startHelper(['--pin'], { socket });
  const client = new PipeClient(socket);
  const beat = await client.until(() => settledHeartbeat(client));
  const seen = client.events.slice(0, client.events.indexOf(beat));
  const lost = seen.reduce((sum, event) => sum + (event.type === 'gap' ? event.count : 0), 0);
  t.true(lost > 0);
  t.is(lost, beat.kernel_lost);
  t.is(seen.filter(({ type }) => type === 'exec').length + lost, beat.kernel_count);
  requireDense(client.events);
  client.close();
});

kernelTest("the pins are root's alone, and --no-pin takes them away", async (t) => {
  helper = await startHelper(['--pin'], { socket });
  t.is(statSync(pins).mode & 0o7777, 0o700);
  for (const file of readdirSync(pins)) t.is(statSync(path.join(pins, file)).mode & 0o777, 0o600, file);
  await helper.stop();
  t.true(readdirSync(pins).length > 0);
  helper = await startHelper([], { socket });
  t.deepEqual(readdirSync(pins), []);
});

kernelTest(
  'a helper that brings another build of the probe takes over in a storm: nothing lost, nothing told twice',
  async (t) => {
    // Another build: the same programs, in an object of another hash. Both are attached for a moment.
    const folder = helperFolder();
    const FLAGS = ['--pin', '--backlog', '64MiB'];
    helper = await startHelper(FLAGS, { socket });
    const load = storm(UPGRADE_LOAD, 'upgraded');
    let running = true;
    void load.then(() => (running = false));
    const builds = new Set<string>();
    const collector = new PipeClient(socket);
    await collector.until(() => collector.events.length > 0);
    collector.close();
    while (builds.size < 2 || (running && builds.size < 4)) {
      await delay(300);
      appendFileSync(`${folder}/exec.bpf.o`, '\0');
      helper.process.kill('SIGKILL');
      await once(helper.process, 'exit');
      helper = await startHelper(FLAGS, { socket });
      builds.add([...new Set(linkPins(pins).map(({ object }) => object))].join());
    }
    await load;
    const client = new PipeClient(socket);
    const beat = await client.until(() => settledHeartbeat(client), 60);
    t.true(builds.size >= 2, 'the pinned program was replaced');
    t.false(
      [...builds].some((objects) => objects.includes(',')),
      'the older one is gone each time',
    );
    requireDense(client.events);
    t.is(
      client.execs.filter(({ filename, argv }) => filename === noOp && argv?.at(-1) === 'upgraded').length,
      UPGRADE_LOAD,
    );
    t.is(beat.kernel_lost, 0);
    client.close();
  },
);

kernelTest(
  'helpers with other flags take over from one another in a storm: nothing lost, nothing told twice',
  async (t) => {
    const always = ['--pin', '--backlog', '64MiB', '--ring', '32MiB'];
    const turns = [
      ['--env', 'P17'],
      ['--env', 'P17', '--forks'],
      ['--forks', '--exits'],
      ['--env', 'P17,OTHER', '--exits'],
      ['--env', 'OTHER', '--exits'],
      [],
    ];
    helper = await startHelper(always, { socket });
    const introduction = async (): Promise<HelloEvent> => {
      const client = new PipeClient(socket);
      const hello = await client.until(() => client.events.length > 0 && client.hello);
      client.close();
      return hello;
    };
    const { first_seq: first } = await introduction();
    let running = true;
    const load = (async () => {
      let count = 0;
      while (running) {
        const child = spawn(fixture('exec-storm'), [noOp, '200', '2', 'flags'], {
          stdio: 'ignore',
          env: { P17: 'storm', OTHER: 'other' },
        });
        t.deepEqual(await once(child, 'exit'), [0, null]);
        count += 200;
      }
      return count;
    })();
    for (const flags of turns) {
      helper.process.kill('SIGKILL');
      await once(helper.process, 'exit');
      helper = await startHelper([...always, ...flags], { socket });
      const { programs, env, forks, exits } = await introduction();
      t.deepEqual(env, flags[0] === '--env' ? flags[1]?.split(',') : undefined);
      t.deepEqual([forks, exits], [flags.includes('--forks') || undefined, flags.includes('--exits') || undefined]);
      t.deepEqual(
        new Set(linkPins(pins).map(({ program }) => program)),
        new Set(programs),
        'no program of the one before is left',
      );
      await delay(300);
    }
    running = false;
    const count = await load;
    const client = new PipeClient(socket);
    const beat = await client.until(() => settledHeartbeat(client), 60);
    t.is(client.hello.first_seq, first);
    const events = client.events.slice(0, client.events.indexOf(beat));
    requireDense(client.events);
    t.is(beat.kernel_lost, 0);
    t.is(events.filter((event) => 'seq' in event).length, beat.kernel_count, 'and no gap');
    const execs = client.execs.filter(({ filename, argv }) => filename === noOp && argv?.at(-1) === 'flags');
    t.is(execs.length, count);
    for (const type of ['exec', 'fork', 'exit']) {
      const told = type === 'exec' ? execs : events.filter((event) => event.type === type);
      const keys = (told as { pid: number; start_time?: number }[]).map((event) => `${event.pid} ${event.start_time}`);
      t.true(keys.length > 0, type);
      t.is(new Set(keys).size, keys.length, `no ${type} twice`);
    }
    for (const value of ['P17', 'OTHER'])
      t.true(
        execs.some(({ env }) => env?.[value] !== undefined),
        value,
      );
    t.true(execs.some(({ env }) => env === undefined));
    client.close();
  },
);
