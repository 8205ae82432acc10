// npm run bench -- [--rounds 7] [--execs 10000] [--only ours,execsnoop,rules] [--shapes plain,two] [--quick] [--million] [--json] [--write]
//
// The cost of watching: the time it adds to each exec, the observer's own processor
// time and memory, and what it lost or cut; ours beside other tools, in one run.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';

import { mountTracing } from '../../installers/tools/kernel-mounts.ts';
import { complain, messageOf, progress } from '../../installers/tools/progress.ts';
import { inCheckout, ROOT } from '../../installers/tools/root-folder.ts';
import { ensureSystemPackages } from '../../installers/tools/system-packages.ts';
import { cpuOf } from './accounting.ts';
import { atEnd } from './cleanup.ts';
import { markdown, withParts } from './document.ts';
import { touchFreeMemory } from './host-memory.ts';
import { describeCommit, describeMachine, isVirtual } from './machine.ts';
import { Bench, plain, type Pair } from './measure.ts';
import { AUDITD } from './observers/auditd.ts';
import { LAUREL } from './observers/laurel.ts';
import type { Observer } from './observers/observer.ts';
import { OWN, OWN_VARIANTS } from './observers/ours.ts';
import { PRINTING } from './observers/printing.ts';
import { QUARK } from './observers/quark.ts';
import { TETRAGON } from './observers/tetragon.ts';
import { terminal, type Participant, type Results } from './report.ts';
import type { Measured, Provenance } from './part.ts';
import { PARTS } from './parts.ts';
import { BUSY_EXIT_CODE, BusyMachineError, requireQuiet, restUntilQuiet, type Load } from './quiet.ts';
import { SHAPES, Storms, type Shape } from './storm.ts';
import { idle, latency, million, neverSlept, peakMemory, trickle, type Peak } from './sustained.ts';

const OWN_IDS = [OWN, ...OWN_VARIANTS].map(({ id }) => id);
const OBSERVERS: readonly Observer[] = [OWN, ...OWN_VARIANTS, ...PRINTING, AUDITD, LAUREL, QUARK, TETRAGON];

const USAGE = `npm run bench -- [options]

  --rounds N        how often each is measured (7)
  --execs N         execs in each storm (10000)
  --only A,B        of these observers, which need root: ${OBSERVERS.map(({ id }) => id).join(', ')},
                    or all of them: observers; and of these parts:
${PARTS.map(({ id, about }) => `                      ${id.padEnd(8)} ${about}`).join('\n')}
  --shapes A,B      of ${SHAPES.map(({ id }) => id).join(', ')}
  --quick           the storms alone: no latency, idle time and peak memory, and no parts
  --million         also a million execs by two workers
  --json            prints every figure as JSON instead of a table
  --write           writes docs/benchmarks.md; only on a quiet machine. A part that was not measured keeps its section of the page

Programs of others: what Debian has is installed, or unpacked in build/bench/. quark and Tetragon are measured where the machine has
them: quark-mon and tetragon on PATH, or named by BENCH_QUARK and BENCH_TETRAGON; BENCH_LAUREL names another laurel than Debian's.

Exit codes: 0 measured; 1 it failed; ${BUSY_EXIT_CODE} with --write, the load average of one minute was above 0.5 before the start or after
the bench had rested at its end (up to five minutes), and docs/benchmarks.md is unchanged.
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

/** The observers and parts of `--only`. Without it all of them; but no parts with `--quick`. */
function askedFor(only: string | undefined): { observers: readonly Observer[]; parts: readonly string[] } {
  const all = [{ id: 'observers' }, ...OBSERVERS, ...PARTS];
  if (only === undefined) return { observers: OBSERVERS, parts: values.quick ? [] : PARTS.map(({ id }) => id) };
  const ids = choose('only', all, only).map(({ id }) => id);
  return {
    observers: OBSERVERS.filter(({ id }) => ids.includes(id) || ids.includes('observers')),
    parts: PARTS.filter(({ id }) => ids.includes(id)).map(({ id }) => id),
  };
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

/** By the part's id, without those that failed. */
async function measureParts(asked: readonly string[], failures: string[]): Promise<Record<string, Measured>> {
  const parts: Record<string, Measured> = {};
  for (const part of PARTS.filter(({ id }) => asked.includes(id))) {
    progress(`part: ${part.id}`);
    const measured = await attempt(failures, part.id, async () => part.measure());
    if (measured !== undefined) parts[part.id] = measured;
  }
  return parts;
}

/** Parts alone: they have nothing to do with observers. */
async function benchParts(asked: readonly string[], before: Load): Promise<void> {
  if (PARTS.some(({ id, isOfBuilt }) => isOfBuilt && asked.includes(id))) build();
  const failures: string[] = [];
  const parts = await measureParts(asked, failures);
  process.stdout.write(values.json ? inJson(parts) : sections(parts));
  const source = { date: today(), commit: describeCommit(ROOT), before };
  if (values.write) await writePage((page, after) => withParts(page, parts, { ...source, after } satisfies Provenance));
  if (failures.length > 0) throw new Error(failures.join('; '));
}

const sections = (parts: Results['parts']): string =>
  Object.values(parts)
    .map(({ section }) => section)
    .join('\n');
const inJson = (parts: Results['parts']): string => `${JSON.stringify(figuresOf(parts), undefined, 2)}\n`;
const figuresOf = (parts: Results['parts']): Record<string, unknown> =>
  Object.fromEntries(Object.entries(parts).map(([id, { result }]) => [id, result]));
const today = (): string => new Date().toISOString().slice(0, 10);

/** Writes docs/benchmarks.md, unless the machine stays busy when the bench rests. */
async function writePage(make: (page: string, load: Load) => string): Promise<void> {
  progress('resting until the load of the bench itself has fallen');
  const load = await restUntilQuiet();
  const page = inCheckout('docs/benchmarks.md');
  writeFileSync(page, make(readFileSync(page, 'utf8'), load));
  progress('docs/benchmarks.md is written');
}

function build(): void {
  const made = spawnSync(process.execPath, [inCheckout('scripts/build.ts')], { stdio: ['ignore', 2, 2] });
  if (made.status !== 0) throw new Error('the build failed');
}

async function main(): Promise<void> {
  if (values.write) requireQuiet();
  const asked = askedFor(values.only);
  const before = loadavg();
  if (values.write && isVirtual()) {
    progress('using all free memory once');
    touchFreeMemory();
  }
  if (asked.observers.length === 0) return benchParts(asked.parts, before);
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    throw new Error('needs root on Linux: sudo npm run bench');
  const [rounds, execs] = [whole('rounds', values.rounds, 1000), whole('execs', values.execs, 40_000)];
  const shapesAsked = choose('shapes', SHAPES, values.shapes);
  const machine = describeMachine(before);

  if (ensureSystemPackages('run').length > 0) throw new Error('system packages are missing');
  mountTracing();
  build();

  const folder = mkdtempSync('/var/tmp/probes-bench-');
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  const storms = new Storms(folder);
  const bench = new Bench(folder, storms);
  const shapes: Shape[] = [];
  for (const shape of shapesAsked) shapes.push(await storms.paced(shape, execs));

  const participants: Participant[] = [];
  for (const observer of asked.observers) {
    progress(`${observer.title}: does it run here?`);
    participants.push(await describe(bench, observer));
  }
  const observers = asked.observers.filter(({ id }) =>
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
    date: today(),
    commit: describeCommit(ROOT),
    machine,
    options: { rounds, execs, arguments: process.argv.slice(2).join(' ') },
    shapes: shapes.map(({ id, title, rate }) => ({ id, title, isPaced: rate !== undefined })),
    participants,
    pairs,
    peaks,
    ...own,
    parts: await measureParts(asked.parts, failures),
    failures,
    slept: !neverSlept(),
  };
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ ...results, parts: figuresOf(results.parts) }, undefined, 2)}\n`
      : `${terminal(results)}${sections(results.parts)}`,
  );
  if (values.write) await writePage((page, load) => markdown(results, page, load));
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
  process.exit(error instanceof BusyMachineError ? BUSY_EXIT_CODE : 1);
}
