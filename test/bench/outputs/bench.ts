/**
 * Measures what outputs cost the agent, with all of SigmaHQ's rules for Linux loaded:
 *
 *   node_modules/.bin/node test/bench/outputs/bench.ts [--json] [--events 100000] [--rounds 3]
 *
 * From the helper's socket to the receiver's hands, the built agent with each output, with and without a spool; in turns. A
 * stand-in for the helper sends lines of the usual kinds. As root on Linux also the time from an exec to the receiver, with the real helper.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { ExecEvent } from '../../../shared/events/exec.ts';
import { complain, progress } from '../../../installers/tools/progress.ts';
import { hasCommand } from '../../../installers/tools/system-packages.ts';
import { inCheckout } from '../../../installers/tools/root-folder.ts';
import { readRuleFiles } from '../../agent/rules/data.ts';
import { startHelper } from '../../support/helper-process.ts';
import { cpuOf } from '../accounting.ts';
import { LoadHelper } from '../load-helper.ts';
import { median, quantile } from '../statistics.ts';
import { outputsSection, type OutputsFigures } from './section.ts';
import { TARGETS, type Target, type TargetKind } from './targets.ts';

const PATIENCE_MS = 60_000;
/** Before what is measured: compiled code, filled caches. */
const WARM_UP = 30_000;
const TURN = { events: 250, ms: 25 };
const SPOOLS = ['off', '1s', 'batch'] as const;
const EXECS = 400;

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    events: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '3' },
  },
});

type SpoolMode = (typeof SPOOLS)[number];

interface Run extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly target: Target;
}

function writeRules(folder: string): void {
  const files = readRuleFiles('linux');
  mkdirSync(folder);
  for (const [i, { text }] of files.entries()) writeFileSync(path.join(folder, `${i}.yml`), text);
}

const rules = mkdtempSync(path.join(tmpdir(), 'probes-bench-rules-'));
writeRules(path.join(rules, 'linux'));
process.on('exit', () => rmSync(rules, { recursive: true, force: true }));

/** The built agent, sending to a target. */
async function start(kind: TargetKind, spool: SpoolMode, socket: string, waitMs: number): Promise<Run> {
  const folder = mkdtempSync(path.join(tmpdir(), 'probes-bench-output-'));
  const target = await kind.open(folder, waitMs);
  const config = path.join(folder, 'agent.yaml');
  const spoolLine = spool === 'off' ? '' : `spool: { folder: ${folder}/spool, sync: ${spool} }\n`;
  writeFileSync(
    config,
    `source: { socket: ${socket} }\nrules: { builtin: false, folders: [${rules}/linux] }\n${spoolLine}outputs:\n  - ${target.output}\n`,
  );
  const child = spawn(inCheckout('dist/probes-agent'), ['run', '--config', config], { stdio: 'ignore' });
  return {
    child,
    target,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await target[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function arrived({ target, child }: Run, events: number): Promise<void> {
  for (const deadline = performance.now() + PATIENCE_MS; target.events < events; await delay(2)) {
    if (child.exitCode !== null || performance.now() > deadline)
      throw new Error(`of ${events} events ${target.events} arrived; the agent's status is ${child.exitCode}`);
  }
}

interface Cost {
  readonly burst: number;
  readonly turns: number;
  readonly memory: number;
}

/** Microseconds of processor time an event: in a burst, and at 10,000 a second. */
async function cost(kind: TargetKind, spool: SpoolMode, events: number): Promise<Cost> {
  const folder = mkdtempSync(path.join(tmpdir(), 'probes-bench-helper-'));
  try {
    await using helper = await new LoadHelper(folder).listen();
    await using run = await start(kind, spool, helper.socketPath, 100);
    await helper.connected;
    let sent = 0;
    const measure = async (count: number, send: () => Promise<void>): Promise<number> => {
      const before = cpuOf(run.child.pid!);
      await send();
      await arrived(run, (sent += count));
      return (cpuOf(run.child.pid!) - before) / 1000 / count;
    };
    await measure(WARM_UP, () => helper.sendInTurns(WARM_UP, 4 * TURN.events, TURN.ms));
    const burst = await measure(events, () => helper.sendInTurns(events, 8 * TURN.events, TURN.ms));
    const few = Math.ceil(events / 4);
    const turns = await measure(few, () => helper.sendInTurns(few, TURN.events, TURN.ms));
    const memory =
      Number(/^VmHWM:\s+(\d+) kB$/mu.exec(readFileSync(`/proc/${run.child.pid}/status`, 'utf8'))![1]) / 1024;
    return { burst, turns, memory };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Milliseconds from a program's start until its event has arrived, one program after the other. */
async function latencies(kind: TargetKind, spool: SpoolMode): Promise<number[]> {
  const helper = await startHelper();
  try {
    await using run = await start(kind, spool, helper.socket, 0);
    const { target } = run;
    await arrived(run, 1).catch(() => undefined);
    target.arrivals = [];
    const mark = `bench-${process.pid}-${Date.now()}`;
    for (let i = 0; i < EXECS; i++) {
      await once(spawn('/bin/true', [mark], { stdio: 'ignore' }), 'exit');
      await delay(Math.random() * 20);
    }
    await delay(1000);
    return target.arrivals.flatMap(({ at, bytes }) =>
      bytes
        .toString('utf8')
        .split('\n')
        .filter((line) => line.includes(mark))
        .map((line) => JSON.parse(line) as ExecEvent)
        .filter(({ type, start_time: began }) => type === 'exec' && began !== undefined)
        .map(({ start_time: began }) => (at - began!) / 1000),
    );
  } finally {
    await helper.stop();
  }
}

const events = Number(values.events);
const rounds = Number(values.rounds);
const targets = TARGETS.filter(({ needs }) => needs === undefined || hasCommand(needs));
for (const { id, needs } of TARGETS)
  if (needs !== undefined && !hasCommand(needs)) complain(`${id} is left out: no ${needs} is installed`);
const variants = targets.flatMap((kind) =>
  SPOOLS.filter((spool) => spool === 'off' || kind.isSpooled).map((spool) => ({ kind, spool, costs: [] as Cost[] })),
);
for (let round = 1; round <= rounds; round++) {
  for (const { kind, spool, costs } of variants) {
    progress(`outputs, round ${round}/${rounds}: ${kind.id}, spool ${spool}`);
    costs.push(await cost(kind, spool, events));
  }
}
const canTrace = process.platform === 'linux' && process.getuid?.() === 0;
const figures: OutputsFigures[] = [];
for (const { kind, spool, costs } of variants) {
  if (canTrace) progress(`outputs, from exec to receiver: ${kind.id}, spool ${spool}`);
  const sample = canTrace ? await latencies(kind, spool) : [];
  if (canTrace && sample.length < EXECS) complain(`${kind.id}: of ${EXECS} programs ${sample.length} were told`);
  figures.push({
    title: kind.title,
    spool,
    burst: median(costs.map(({ burst }) => burst)),
    turns: median(costs.map(({ turns }) => turns)),
    memory: median(costs.map(({ memory }) => memory)),
    ...(sample.length === 0 ? {} : { latency: { p50: median(sample), p99: quantile(sample, 0.99) } }),
  });
}
process.stdout.write(values.json ? `${JSON.stringify({ figures })}\n` : outputsSection({ figures }));
