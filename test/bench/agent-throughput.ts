// node test/bench/agent-throughput.ts [--events 500000] [--rounds 5] [--agent dist/probes-agent] [--config 'rules: {}']
//
// The cost of an event to the agent: processor time, user and system, from the helper's socket to a file, and memory. A
// stand-in for the helper sends lines of the usual kinds and sizes. The same bytes through a
// program that copies the socket to a file and looks at nothing are the yardstick, in the same run on the same machine.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { cpuOf } from './accounting.ts';
import { LoadHelper } from './load-helper.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

interface Result {
  microseconds: number;
  peakMiB: number;
  seconds: number;
}

/** One way to send: as fast as it is taken, or in turns as the helper does. */
interface Scenario {
  name: string;
  events: number;
  perTurn?: number;
}

const TURN_MS = 25;
const PATIENCE_MS = 20_000;

/** Sent before the measurement: what a program compiles in its first seconds is not what an event costs. */
const WARM_UP = 50_000;

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '500000' },
    rounds: { type: 'string', default: '5' },
    agent: { type: 'string', default: '' },
    config: { type: 'string', default: '' },
  },
});
const events = Number(values.events);
const rounds = Number(values.rounds);
const SCENARIOS: readonly Scenario[] = [
  { name: `burst of ${events}`, events },
  { name: '10000 a second', events: Math.min(events, 30_000), perTurn: 250 },
];

function agentCommand(): string[] {
  const flavour = process.getuid!() === 0 ? '../../agent/main.ts' : '../agent/support/run-agent.ts';
  return values.agent === '' ? [process.execPath, here(flavour)] : [values.agent];
}

async function measure(
  command: (socket: string, file: string, folder: string) => string[],
  { events: count, perTurn }: Scenario,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'probes-bench-'));
  const file = join(folder, 'events.jsonl');
  await using helper = await new LoadHelper(folder).listen();
  const [program, ...args] = command(helper.socketPath, file, folder);
  const child = spawn(program!, args, { stdio: ['ignore', 'inherit', 'ignore'] });
  try {
    await helper.connected;
    await helper.send(WARM_UP);
    await everythingWritten(program!, helper, folder);
    await settled(child);
    const before = { cpu: cpuOf(child.pid!), at: performance.now() };
    await (perTurn === undefined ? helper.send(count) : helper.sendInTurns(count, perTurn, TURN_MS));
    await everythingWritten(program!, helper, folder);
    return {
      microseconds: (cpuOf(child.pid!) - before.cpu) / 1000 / count,
      seconds: (performance.now() - before.at) / 1000,
      peakMiB: Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]) / 1024,
    };
  } finally {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    rmSync(folder, { recursive: true, force: true });
  }
}

async function everythingWritten(program: string, helper: LoadHelper, folder: string): Promise<void> {
  for (const deadline = performance.now() + PATIENCE_MS; sizeOf(folder) < helper.bytesOfEvents; await delay(5)) {
    if (performance.now() > deadline)
      throw new Error(`${program}: of ${helper.bytesOfEvents} bytes, ${sizeOf(folder)} were written`);
  }
}

/** Waits until start-up is over: for a quarter of a second without processor time. */
async function settled(child: ChildProcess): Promise<void> {
  for (let last = -1, now = cpuOf(child.pid!); now - last > 1e6;) {
    await delay(250);
    last = now;
    now = cpuOf(child.pid!);
  }
}

/** Bytes of events in the folder: the file and those it was rotated to. */
function sizeOf(folder: string): number {
  const logs = readdirSync(folder).filter((name) => /^events\.jsonl(\.\d+)?$/.test(name));
  return logs.reduce((sum, name) => sum + (existsSync(join(folder, name)) ? statSync(join(folder, name)).size : 0), 0);
}

const agent = (socket: string, file: string, folder: string): string[] => {
  const config = join(folder, 'agent.yaml');
  writeFileSync(
    config,
    `source: { socket: ${socket} }\noutputs:\n  - { name: local, type: file, path: ${file}, max_files: 1000, max_bytes: 64MiB }\n${values.config}\n`,
  );
  return [...agentCommand(), 'run', '--config', config];
};
const copy = (socket: string, file: string): string[] => [process.execPath, here('./copy-socket.ts'), socket, file];

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;

for (const scenario of SCENARIOS) {
  const results: Record<'agent' | 'copy', Result[]> = { agent: [], copy: [] };
  for (let round = 0; round < rounds; round++) {
    results.agent.push(await measure(agent, scenario));
    results.copy.push(await measure(copy, scenario));
  }
  const of = (who: 'agent' | 'copy', what: keyof Result): number => median(results[who].map((result) => result[what]));
  const ratio = of('agent', 'microseconds') / of('copy', 'microseconds');
  console.log(
    `${scenario.name}: agent ${of('agent', 'microseconds').toFixed(2)} µs/event, copy ${of('copy', 'microseconds').toFixed(2)} µs/event, ` +
      `ratio ${ratio.toFixed(2)}; ${(scenario.events / of('agent', 'seconds')).toFixed(0)} events/s; ` +
      `peak memory ${of('agent', 'peakMiB').toFixed(0)} MiB (copy ${of('copy', 'peakMiB').toFixed(0)} MiB)`,
  );
}
