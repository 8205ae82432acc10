/**
 * Measures the memory of helper and agent under the execs of many images and users, without rules and with many:
 *
 *   node_modules/.bin/node test/bench/memory/bench.ts [--json] [--seconds 240] [--seconds-off 30]
 *
 * Needs root on Linux, and the built programs. Takes less than six minutes.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { complain, progress } from '../../../installers/tools/progress.ts';
import { readRuleFiles, SKIPPED } from '../../agent/rules/data.ts';
import { AgentRun } from '../../support/agent-process.ts';
import { startHelper } from '../../support/helper-process.ts';
import { buffersOf, pssOf } from '../accounting.ts';
import { atEnd } from '../cleanup.ts';
import { Crowd } from './crowd.ts';
import { memorySection, type MemoryResult, type MemoryRun, type MemorySample } from './section.ts';

const LOAD = { rate: 400, images: 3000, users: 5000 };
/** Seconds after which a start is over, and after which what was read has been written. */
const STARTED_SECONDS = 15;
const SETTLED_SECONDS = 2;
/** Seconds between two looks. */
const LOOK_SECONDS = 5;

const { values } = parseArgs({
  options: {
    'json': { type: 'boolean', default: false },
    'seconds': { type: 'string', default: '240' },
    'seconds-off': { type: 'string', default: '30' },
  },
});

/** One run of both programs: at rest, then under load. */
async function measure(crowd: Crowd, rules: readonly string[], loadSeconds: number): Promise<MemoryRun> {
  const run = new AgentRun();
  const removeRun = atEnd(() => {
    run.process?.kill('SIGKILL');
    rmSync(run.folder, { recursive: true, force: true });
  });
  const helper = await startHelper();
  const endHelper = atEnd(() => {
    helper.process.kill('SIGKILL');
    rmSync(path.dirname(helper.socket), { recursive: true, force: true });
  });
  try {
    const folder = path.join(run.folder, 'rules');
    mkdirSync(folder);
    for (const [i, text] of rules.entries()) writeFileSync(path.join(folder, `${i}.yml`), text);
    const agent = run.start(
      helper.socket,
      undefined,
      rules.length === 0 ? '' : `rules: { builtin: false, folders: [${folder}] }\n`,
    );
    const samples: MemorySample[] = [];
    const look = (seconds: number): void => {
      if (agent.exitCode !== null || helper.process.exitCode !== null)
        throw new Error(`a program ended: ${helper.stderr()}${run.log}`.slice(-2000));
      samples.push({ seconds, helper: pssOf(helper.pid), buffers: buffersOf(helper.pid), agent: pssOf(agent.pid!) });
    };
    await delay(STARTED_SECONDS * 1000);
    look(0);
    const begin = performance.now();
    let running = true;
    const looking = (async () => {
      for (let next = LOOK_SECONDS; ; next += LOOK_SECONDS) {
        await delay(Math.max(0, begin + next * 1000 - performance.now()));
        if (!running) return;
        look(next);
      }
    })();
    const execs = await crowd.run(loadSeconds).finally(() => (running = false));
    await delay(SETTLED_SECONDS * 1000);
    look(Math.round((performance.now() - begin) / 1000));
    await looking;
    if (execs < (LOAD.rate * loadSeconds) / 2) complain(`the machine was too slow: ${execs} execs in ${loadSeconds} s`);
    return { rules: rulesIn(run.log), samples, loadSeconds, execs };
  } finally {
    await helper.stop();
    await run.stop();
    endHelper();
    removeRun();
  }
}

/** The number of rules that the agent's log names. */
function rulesIn(log: string): number {
  const line = log.split('\n').find((each) => each.includes('"RulesLoaded"'));
  return line === undefined ? 0 : (JSON.parse(line) as { rules: number }).rules;
}

async function measureAll(): Promise<MemoryResult> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return { missing: 'needs root on Linux' };
  const folder = mkdtempSync('/var/tmp/probes-bench-memory-');
  const removeFolder = atEnd(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  const crowd = new Crowd(path.join(folder, 'images'), LOAD);
  const [withRules, without] = [Number(values.seconds), Number(values['seconds-off'])];
  const runs: MemoryRun[] = [];
  progress(`memory without rules: ${without} s of load`);
  runs.push(await measure(crowd, [], without));
  if (SKIPPED !== '') complain(SKIPPED.trim());
  else {
    progress(`memory with rules: ${withRules} s of load`);
    runs.push(
      await measure(
        crowd,
        readRuleFiles('linux').map(({ text }) => text),
        withRules,
      ),
    );
  }
  removeFolder();
  return { load: LOAD, runs };
}

const result = await measureAll();
process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : memorySection(result));
process.exit();
