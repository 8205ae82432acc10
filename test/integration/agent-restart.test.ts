import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { statePathOf } from '../../agent/outputs/file/state-file.ts';
import type { ExecEvent } from '../../shared/events/exec.ts';
import type { ProbeEvent } from '../../shared/events/parse.ts';
import { parseEvent } from '../support/events.ts';
import { AgentRun } from '../support/agent-process.ts';
import { fixture } from '../support/fixtures.ts';
import { startHelper, type RunningHelper } from '../support/helper-process.ts';
import { requireDense } from '../support/pipe-client.ts';
import { kernelTest } from '../support/requirements.ts';
import { wholeLines } from '../support/lines.ts';

const EXECS = 30_000;
const WORKERS = 2;

/** Room for what else runs on the machine meanwhile: what the helper no longer holds is rightly a gap. */
const BACKLOG = ['--backlog', '128MiB'];

const socket = `/run/platform-probes-agent-restart-${process.pid}/events.sock`;
const pins = `/sys/fs/bpf/${path.basename(path.dirname(socket))}`;
const noOp = fixture('no-op');
let helper: RunningHelper | undefined;
let agent: AgentRun | undefined;
let storm: ChildProcess | undefined;

/** A run that takes too long is ended by a signal: nothing that was started may outlive it. */
process.once('SIGTERM', () => {
  for (const child of [storm, agent?.process, helper?.process]) child?.kill('SIGKILL');
  process.exit(1);
});

test.afterEach.always(async () => {
  storm?.kill('SIGKILL');
  await agent?.remove();
  if (helper?.process.signalCode === null) await helper.stop();
  storm = agent = helper = undefined;
  rmSync(pins, { recursive: true, force: true });
  rmSync(path.dirname(socket), { recursive: true, force: true });
});

/** Starts an agent whose file is rotated often, and waits until it has written: one that is killed earlier has done nothing. */
async function startAgent(run: AgentRun): Promise<void> {
  const before = stateOf(run);
  run.start(socket, `  - { name: local, type: file, path: ${run.events}, max_bytes: 1MiB, max_files: 1000 }\n`);
  await run.until(() => storm?.exitCode === 0 || stateOf(run) !== before, 60);
}

/** Changes with everything that is written. */
function stateOf({ events }: AgentRun): string {
  const stats = statSync(events, { throwIfNoEntry: false });
  return `${stats?.ino} ${stats?.size}`;
}

async function kill(run: AgentRun): Promise<void> {
  run.process?.kill('SIGKILL');
  if (run.process?.signalCode === null) await once(run.process, 'exit');
}

/** The lines of the file and those that it was rotated to, oldest first. */
function linesOf({ events }: AgentRun): string[] {
  const folder = path.dirname(events);
  const age = (name: string): number => Number(/\.(\d+)$/.exec(name)?.[1] ?? 0);
  return readdirSync(folder)
    .filter((name) => /^events\.jsonl(\.\d+)?$/.test(name))
    .toSorted((a, b) => age(b) - age(a))
    .flatMap((name) => wholeLines(readFileSync(path.join(folder, name), 'utf8')));
}

const stormOf = (events: readonly ProbeEvent[]): ExecEvent[] =>
  events.filter(
    (event): event is ExecEvent => event.type === 'exec' && event.filename === noOp && event.argv?.at(-1) === 'storm',
  );

/** Runs the storm and does `harm` over and over while it lasts. */
async function duringStorm(harm: (round: number) => Promise<void>): Promise<number> {
  let running = true;
  storm = spawn(fixture('exec-storm'), [noOp, String(EXECS), String(WORKERS), 'storm'], { stdio: 'ignore' });
  const ended = once(storm, 'exit').then(() => (running = false));
  let rounds = 0;
  while (running) {
    await delay((rounds * 97) % 300);
    await harm(rounds++);
  }
  await ended;
  return rounds;
}

/** The files hold the storm, and everything else, once and in order. */
async function requireEverythingOnce(t: ExecutionContext, run: AgentRun): Promise<void> {
  // Numbers rise: when this one is there, all are.
  await once(spawn(noOp, ['the last'], { stdio: 'ignore' }), 'exit');
  await run.until(
    () => [run.events, `${run.events}.1`].some((file) => readFileSync(file, 'utf8').includes('"the last"]')),
    60,
  );
  // Read when it has ended: a rotation would rename files under our eyes.
  t.is(await run.stop(), 0);
  const events = linesOf(run).map((line) => parseEvent(line) as ProbeEvent);
  requireDense(events);
  t.false(events.some(({ type }) => type === 'gap'));
  const starts = stormOf(events).map(({ argv }) => `${argv?.[1]} ${argv?.[2]}`);
  t.is(starts.length, EXECS);
  t.is(new Set(starts).size, EXECS);
  for (let worker = 0; worker < WORKERS; worker++) {
    const indexes = starts
      .filter((start) => start.startsWith(`${worker} `))
      .map((start) => Number(start.split(' ')[1]));
    t.deepEqual(
      indexes,
      indexes.map((_, i) => i),
      'each worker starts one after the other, so its numbers rise',
    );
  }
  t.true(readdirSync(path.dirname(run.events)).length > 5, 'the file was rotated meanwhile');
  t.is(statSync(statePathOf(run.events)).mode & 0o777, 0o600);
  t.notRegex(run.log, /"PositionUnknown"|"EventsMissing"|"EventsDropped"|"NumbersReused"/);
}

kernelTest(
  'an agent that is killed again and again under load has every event in its files, once and in order',
  async (t) => {
    helper = await startHelper(BACKLOG, { socket });
    const run = (agent = new AgentRun());
    await startAgent(run);
    const kills = await duringStorm(async () => {
      await kill(run);
      await startAgent(run);
    });
    t.true(kills >= 3, `${kills} kills`);
    await requireEverythingOnce(t, run);
  },
);

kernelTest('so has one that is killed together with its helper, whose probe stays', async (t) => {
  helper = await startHelper(['--pin', ...BACKLOG], { socket });
  const run = (agent = new AgentRun());
  await startAgent(run);
  const kills = await duringStorm(async (round) => {
    // In turns: the agent first, the helper first, the agent alone.
    const victims = [() => kill(run), killHelper];
    if (round % 3 === 1) victims.reverse();
    if (round % 3 === 2) victims.pop();
    for (const victim of victims) await victim();
    if (victims.length === 2) helper = await startHelper(['--pin', ...BACKLOG], { socket });
    await startAgent(run);
  });
  t.true(kills >= 3, `${kills} kills`);
  await requireEverythingOnce(t, run);
});

async function killHelper(): Promise<void> {
  helper?.process.kill('SIGKILL');
  if (helper?.process.signalCode === null) await once(helper.process, 'exit');
}
