// npm run bench -- [--rounds 7] [--execs 10000] [--only ours,execsnoop] [--shapes plain,two] [--quick] [--million] [--json] [--write]
//
// The cost of watching: the time it adds to each exec, the observer's own processor
// time and memory, and what it lost or cut; ours beside other tools, in one run.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { mountTracing } from '../../installers/tools/kernel-mounts.ts';
import { complain, messageOf, progress } from '../../installers/tools/progress.ts';
import { inCheckout, ROOT } from '../../installers/tools/root-folder.ts';
import { ensureSystemPackages } from '../../installers/tools/system-packages.ts';
import { cpuOf } from './accounting.ts';
import { atEnd } from './cleanup.ts';
import { markdown } from './document.ts';
import { describeCommit, describeMachine } from './machine.ts';
import { Bench, plain, type Pair } from './measure.ts';
import { AUDITD } from './observers/auditd.ts';
import type { Observer } from './observers/observer.ts';
import { OWN, OWN_VARIANTS } from './observers/ours.ts';
import { PRINTING } from './observers/printing.ts';
import { terminal, type Participant, type Results } from './report.ts';
import { FACTS_HEADING, factsSection, type FactsResult } from './facts/section.ts';
import { FORMATS_HEADING, formatsSection, type FormatsResult } from './formats/section.ts';
import { OUTPUTS_HEADING, outputsSection, type OutputsResult } from './outputs/section.ts';
import { measurePart, withSection, type Part } from './part.ts';
import { RULES_HEADING, rulesSection, type RulesResult } from './rules/section.ts';
import { STORE_HEADING, storeSection, type StoreResult } from './store/section.ts';
import { SHAPES, Storms, type Shape } from './storm.ts';
import { idle, latency, million, neverSlept, peakMemory, trickle, type Peak } from './sustained.ts';

const OWN_IDS = [OWN, ...OWN_VARIANTS].map(({ id }) => id);
const OBSERVERS: readonly Observer[] = [OWN, ...OWN_VARIANTS, ...PRINTING, AUDITD];

const USAGE = `npm run bench -- [options]

  --rounds N        how often each is measured (7)
  --execs N         execs in each storm (10000)
  --only A,B        of ${OBSERVERS.map(({ id }) => id).join(', ')}; or one of these parts alone, which need no root:
                    rules (the rule engine), outputs (what each output and the spool cost),
                    formats (what each format costs), facts (what each fact of enrich costs), store (writing and asking it; 8 GB of /var/tmp)
  --shapes A,B      of ${SHAPES.map(({ id }) => id).join(', ')}
  --quick           the storms alone: no latency, idle time and peak memory
  --million         also a million execs by two workers
  --json            prints every figure as JSON instead of a table
  --write           writes docs/benchmarks.md
`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    execs: { type: 'string', default: '10000' },
    only: { type: 'string' },
    shapes: { type: 'string' },
    quick: { type: 'boolean', default: false },
    million: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

function whole(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw new Error(`--${name}: expected a whole number from 1 to ${most}`);
  return value;
}

function choose<T extends { readonly id: string }>(
  name: string,
  all: readonly T[],
  list: string | undefined,
): readonly T[] {
  const chosen = list?.split(',');
  const unknown = chosen?.find((id) => !all.some((each) => each.id === id));
  if (unknown !== undefined) throw new Error(`--${name}: ${unknown} is none of ${all.map(({ id }) => id).join(', ')}`);
  return all.filter(({ id }) => chosen?.includes(id) ?? true);
}

/** Starts it once, so that what cannot run here is known before the rounds begin. */
async function describe(bench: Bench, observer: Observer): Promise<Participant> {
  let missing = observer.missing();
  try {
    if (missing === undefined) await bench.watched(observer, 1, async () => undefined);
  } catch (error) {
    missing = `it does not start here: ${messageOf(error)}`;
  }
  if (missing !== undefined) complain(`${observer.title}: ${missing}`);
  const { id, title, command } = observer;
  return {
    id,
    title,
    command,
    version: observer.version(),
    own: OWN_IDS.includes(id),
    ...(missing === undefined ? {} : { missing }),
  };
}

/** One that fails does not take the others with it. */
async function attempt<T>(failures: string[], what: string, run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    failures.push(`${what}: ${messageOf(error)}`);
    complain(failures.at(-1) ?? '');
    return undefined;
  }
}

async function measureAll(
  bench: Bench,
  observers: readonly Observer[],
  shapes: readonly Shape[],
  rounds: number,
  execs: number,
  failures: string[],
): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const shape of shapes) {
      for (const observer of observers) {
        if (observer.shapes?.includes(shape.id) === false) continue;
        const pair = await attempt(failures, `round ${round} ${shape.id} ${observer.id}`, () =>
          bench.pair(observer, shape, execs, round),
        );
        if (pair === undefined) continue;
        pairs.push(pair);
        const { bare, watched, delivery } = pair;
        progress(
          `round ${round}/${rounds} ${shape.id} ${observer.id}: ${(bare / 1000).toFixed(0)} → ${(watched / 1000).toFixed(0)} µs an exec, ${delivery.lost} lost, ${delivery.cut + delivery.bare} cut`,
        );
      }
    }
  }
  return pairs;
}

type OwnResults = Pick<Results, 'latency' | 'idle' | 'million'>;

/** The measurements of ours alone. */
async function measureOwn(bench: Bench, storms: Storms, execs: number, failures: string[]): Promise<OwnResults> {
  const own: { -readonly [K in keyof OwnResults]: OwnResults[K] } = {};
  if (!values.quick) {
    await attempt(failures, 'from exec to file', async () => {
      progress('from exec to file');
      const [slow, fast] = [storms.plan(plain(), execs), storms.plan(plain(), execs)];
      own.latency = {
        trickle: await latency(bench, OWN, slow, () => trickle(slow, 1000)),
        storm: await latency(bench, OWN, fast, () => storms.run(fast)),
      };
    });
    await attempt(failures, 'idle', async () => {
      progress('idle for 20 s');
      own.idle = await idle(bench, OWN, cpuOf);
    });
  }
  const two = SHAPES.find(({ id }) => id === 'two');
  if (values.million && two !== undefined) {
    await attempt(failures, 'a million execs', async () => {
      progress('a million execs: some minutes');
      own.million = await million(bench, storms, OWN, two, 1_000_000);
    });
  }
  return own;
}

const RULES: Part<RulesResult> = { id: 'rules', heading: RULES_HEADING, section: rulesSection };
const FACTS: Part<FactsResult> = { id: 'facts', heading: FACTS_HEADING, section: factsSection };
const FORMATS: Part<FormatsResult> = { id: 'formats', heading: FORMATS_HEADING, section: formatsSection };
const OUTPUTS: Part<OutputsResult> = { id: 'outputs', heading: OUTPUTS_HEADING, section: outputsSection };

const STORE: Part<StoreResult> = { id: 'store', heading: STORE_HEADING, section: storeSection };

/** One part, which has nothing to do with observers. */
function benchPart<Result>(part: Part<Result>): void {
  const result = measurePart(part);
  process.stdout.write(values.json ? `${JSON.stringify(result, undefined, 2)}\n` : part.section(result));
  const page = inCheckout('docs/benchmarks.md');
  if (values.write) writeFileSync(page, withSection(readFileSync(page, 'utf8'), part.heading, part.section(result)));
}

function build(): void {
  const made = spawnSync(process.execPath, [inCheckout('scripts/build.ts')], { stdio: ['ignore', 2, 2] });
  if (made.status !== 0) throw new Error('the build failed');
}

async function main(): Promise<void> {
  if (values.only === 'rules') return benchPart(RULES);
  if (values.only === 'formats') return benchPart(FORMATS);
  if (values.only === 'facts') return benchPart(FACTS);
  if (values.only === 'store') return benchPart(STORE);
  if (values.only === 'outputs') {
    build();
    return benchPart(OUTPUTS);
  }
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    throw new Error('needs root on Linux: sudo npm run bench');
  const [rounds, execs] = [whole('rounds', values.rounds, 1000), whole('execs', values.execs, 40_000)];
  const observersAsked = choose('only', OBSERVERS, values.only);
  const shapes = choose('shapes', SHAPES, values.shapes);
  const machine = describeMachine();

  if (ensureSystemPackages('run').length > 0) throw new Error('system packages are missing');
  mountTracing();
  build();

  const folder = mkdtempSync('/var/tmp/probes-bench-');
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  const storms = new Storms(folder);
  const bench = new Bench(folder, storms);

  const participants: Participant[] = [];
  for (const observer of observersAsked) {
    progress(`${observer.title}: does it run here?`);
    participants.push(await describe(bench, observer));
  }
  const observers = observersAsked.filter(({ id }) =>
    participants.some((each) => each.id === id && each.missing === undefined),
  );
  const failures: string[] = [];
  const pairs = await measureAll(bench, observers, shapes, rounds, execs, failures);

  const peaks: Record<string, Peak> = {};
  for (const observer of values.quick ? [] : observers) {
    progress(`memory during a storm: ${observer.id}`);
    const peak = await attempt(failures, `memory of ${observer.id}`, () =>
      peakMemory(bench, storms, observer, plain(), execs),
    );
    if (peak !== undefined) peaks[observer.id] = peak;
  }
  const own = observers.includes(OWN) ? await measureOwn(bench, storms, execs, failures) : {};

  const results: Results = {
    date: new Date().toISOString().slice(0, 10),
    commit: describeCommit(ROOT),
    machine,
    options: { rounds, execs, arguments: process.argv.slice(2).join(' ') },
    shapes: shapes.map(({ id, title, rate }) => ({ id, title, isPaced: rate !== undefined })),
    participants,
    pairs,
    peaks,
    ...own,
    rules: (await attempt(failures, 'rules', async () => measurePart(RULES))) ?? { missing: 'it failed in this run' },
    facts: (await attempt(failures, 'facts', async () => measurePart(FACTS))) ?? { missing: 'it failed in this run' },
    formats: (await attempt(failures, 'formats', async () => measurePart(FORMATS))) ?? {
      missing: 'it failed in this run',
    },
    outputs: values.quick
      ? { missing: 'left out in this run' }
      : ((await attempt(failures, 'outputs', async () => measurePart(OUTPUTS))) ?? {
          missing: 'it failed in this run',
        }),
    store: values.quick
      ? { missing: 'left out in this run' }
      : ((await attempt(failures, 'store', async () => measurePart(STORE))) ?? { missing: 'it failed in this run' }),
    failures,
    slept: !neverSlept(),
  };
  process.stdout.write(values.json ? `${JSON.stringify(results, undefined, 2)}\n` : terminal(results));
  if (values.write) {
    writeFileSync(inCheckout('docs/benchmarks.md'), markdown(results));
    progress('docs/benchmarks.md is written');
  }
}

if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
try {
  await main();
  process.exit(0);
} catch (error) {
  complain(messageOf(error));
  process.exit(1);
}
