// These tests take minutes: not part of npm test, but of npm run test:endurance.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { buffersOf, pssOf } from '../bench/accounting.ts';
import { AgentRun } from '../support/agent-process.ts';
import { fixture } from '../support/fixtures.ts';
import { startHelper, type RunningHelper } from '../support/helper-process.ts';
import { PipeClient, settledHeartbeat } from '../support/pipe-client.ts';
import { kernelTest } from '../support/requirements.ts';
import { tally, toldIn, written } from './support/written.ts';

const MIB = 1024 * 1024;
const MILLION = 1_000_000;
const noOp = fixture('no-op');
const socket = `/run/platform-probes-endurance-${process.pid}/events.sock`;
const pins = `/sys/fs/bpf/${path.basename(path.dirname(socket))}`;
let helper: RunningHelper;
let agent: AgentRun;

test.afterEach.always(async () => {
  await agent.remove();
  await helper.stop();
  rmSync(pins, { recursive: true, force: true });
});

const storm = (count: number, ...args: string[]): Promise<unknown> =>
  once(spawn(fixture('exec-storm'), [noOp, String(count), '2', ...args], { stdio: 'ignore' }), 'exit');
/** One file, of which nothing is removed before it was looked at. */
const keepAll = (): string => `  - { name: local, type: file, path: ${agent.events}, max_files: 1000 }\n`;
const lastNumberIn = (text: string): number => Number([...text.matchAll(/"(?:seq|last)":(\d+)/g)].at(-1)?.[1] ?? 0);
const pidOf = (run: AgentRun): number => run.process?.pid ?? 0;

/** Runs one more program, and waits until the agent has written that: all that was executed before it is then in the file. It may be lost itself: then another. */
async function caughtUp(): Promise<void> {
  for (let tries = 0; tries < 60; tries++) {
    await once(spawn('/bin/true', ['after all'], { stdio: 'ignore' }), 'exit');
    await delay(1000);
    if (endOf(agent.events).includes('"after all"]')) return;
  }
  throw new Error(`the agent does not catch up; it logged: ${agent.log.slice(-2000)}`);
}

/** The last MiB of a file. */
function endOf(file: string): string {
  const fd = openSync(file, 'r');
  const bytes = Buffer.alloc(MIB);
  const length = readSync(fd, bytes, 0, MIB, Math.max(0, fstatSync(fd).size - MIB));
  closeSync(fd);
  return bytes.toString('latin1', 0, length);
}

kernelTest('a million execs by two workers: each is told once and whole, and memory stays flat', async (t) => {
  t.timeout(3_600_000);
  helper = await startHelper();
  agent = new AgentRun();
  agent.start(helper.socket, keepAll());
  await storm(100_000, 'before');
  const beyond = (pid: number): number => pssOf(pid) - buffersOf(pid);
  const look = (): number[] => [beyond(helper.pid), beyond(pidOf(agent))];
  const samples = [look()];
  let running = true;
  const load = storm(MILLION, 'load').then(() => (running = false));
  for (; running; await delay(5000)) samples.push(look());
  await load;
  await caughtUp();
  samples.push(look());
  t.log(
    `MiB beyond ring and backlog, helper and agent: ${samples
      .filter((_, i) => i % Math.ceil(samples.length / 8) === 0 || i === samples.length - 1)
      .map((pair) => pair.map((bytes) => (bytes / MIB).toFixed(1)).join(' + '))
      .join(', ')}`,
  );
  const sum = await tally(written(agent.events), 'load', MILLION);
  t.log(`${sum.events} events, ${sum.missing} missing, ${sum.cut} cut`);
  t.deepEqual([toldIn(sum), sum.twice, sum.missing, sum.cut], [MILLION, 0, 0, 0]);
  const most = (i: number): number => Math.max(...samples.map((sample) => sample[i] as number));
  t.true(most(0) < 45 * MIB, 'the helper');
  for (const i of [0, 1])
    t.true(most(i) - (samples[0]?.[i] as number) < 8 * MIB, `${i === 0 ? 'helper' : 'agent'} grows`);
});

kernelTest(
  "a ring of 64 KiB and an agent that is stopped again and again: events and gaps are the kernel's count, every time",
  async (t) => {
    t.timeout(3_600_000);
    let full = 0;
    for (let round = 0; round < 10; round++) {
      helper = await startHelper(['--ring', '64KiB', '--backlog', '1MiB']);
      agent = new AgentRun();
      agent.start(helper.socket, keepAll());
      let running = true;
      // Two dozen of them fill the ring.
      const load = storm(10_000, 'x'.repeat(2500), 'load').then(() => (running = false));
      while (running) {
        await delay(200 + 100 * round);
        process.kill(pidOf(agent), 'SIGSTOP');
        await delay(500 + 300 * round);
        process.kill(pidOf(agent), 'SIGCONT');
      }
      await load;
      await caughtUp();
      const client = new PipeClient(helper.socket);
      const beat = await client.until(() => settledHeartbeat(client), 120);
      client.close();
      await agent.until(() => lastNumberIn(endOf(agent.events)) >= beat.last_seq, 120);
      const sum = await tally(written(agent.events), 'load', 10_000);
      full += beat.kernel_lost;
      t.log(
        `${sum.events} events + ${sum.missing} missing; the kernel counted ${beat.kernel_count}, ${beat.kernel_lost} of them without room`,
      );
      t.is(sum.first, client.hello.first_seq);
      // Other programs of the machine may have run since the heartbeat.
      t.is(sum.events + sum.missing, beat.kernel_count + sum.last - beat.last_seq);
      await agent.remove();
      await helper.stop();
    }
    t.true(full > 0, 'the ring was never full: the test is too gentle');
  },
);

kernelTest(
  'a helper that is killed every two seconds for a minute under load: nothing lost, nothing twice',
  async (t) => {
    t.timeout(600_000);
    helper = await startHelper(['--pin'], { socket });
    agent = new AgentRun();
    agent.start(socket, keepAll());
    const ends = performance.now() + 60_000;
    let started = 0;
    const load = (async () => {
      for (; performance.now() < ends; started++) await storm(1000, `load ${started}`);
    })();
    let kills = 0;
    let longest = 0;
    for (; performance.now() < ends; kills++) {
      await delay(2000);
      const killed = performance.now();
      helper.process.kill('SIGKILL');
      await once(helper.process, 'exit');
      helper = await startHelper(['--pin'], { socket });
      longest = Math.max(longest, performance.now() - killed);
    }
    await load;
    await caughtUp();
    let told = 0;
    const marks = new Set<string>();
    const counted = (async function* () {
      for await (const event of written(agent.events)) {
        if (event.type === 'exec' && event.filename === noOp) {
          told++;
          marks.add(event.argv?.slice(1).join(' ') ?? '');
        }
        yield event;
      }
    })();
    const sum = await tally(counted, '', 0);
    t.log(
      `${kills} kills, ${started * 1000} execs started, ${told} told, ${marks.size} of them different, ${sum.missing} missing; the longest restart took ${Math.round(longest)} ms`,
    );
    // The cause tells a ring that was full during a restart from a backlog that the agent was too slow for.
    if (sum.missing > 0) t.log(sum.gaps.join('; '));
    t.true(kills >= 20);
    t.deepEqual([told, marks.size, sum.missing], [started * 1000, started * 1000, 0]);
  },
);
