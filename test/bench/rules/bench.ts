/**
 * Measures the rule engine with all SigmaHQ rules on recorded events:
 *
 *   node_modules/.bin/node test/bench/rules/bench.ts [--json]
 *
 * One core, JSON parsing included. The engine and a plain closure engine take turns in the same run; the ratio
 * between them says the same on a busy machine as on a quiet one. Seconds are CPU seconds of this process.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Engine, type SigmaEvent } from '../../../agent/rules/engine.ts';
import { loadRules } from '../../../agent/rules/load.ts';
import { readLines, readRuleFiles, SKIPPED } from '../../agent/rules/data.ts';
import { ClosureEngine } from './closures.ts';

interface Matcher {
  match(event: SigmaEvent): readonly number[];
}

const ROUNDS = 7;
/** Milliseconds that one turn of one engine lasts at least. */
const TURN_MS = 400;

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Events a CPU second, in one turn over whole passes of the lines. */
function turn(engine: Matcher, lines: readonly string[]): { rate: number; matches: number } {
  const start = cpuMs();
  let events = 0;
  let matches = 0;
  do {
    matches = 0;
    for (const line of lines) matches += engine.match(JSON.parse(line) as SigmaEvent).length;
    events += lines.length;
  } while (cpuMs() - start < TURN_MS);
  return { rate: (events / (cpuMs() - start)) * 1000, matches };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

function memoryMb(): { held: number; resident: number } {
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { held: (heapUsed + arrayBuffers) / 1e6, resident: rss / 1e6 };
}

/** The measurements for the rules of one platform. */
export interface RulesFigures {
  readonly platform: string;
  readonly rules: number;
  /** Events of a CPU second. */
  readonly eventsPerSecond: number;
  readonly closuresPerSecond: number;
  /** The first of both in units of the second. */
  readonly ratio: number;
  readonly parseOnlyPerSecond: number;
  readonly loadCpuMs: number;
  readonly loadWallMs: number;
  /** After garbage was collected. */
  readonly heldMb: number;
  /** By how much loading made the process grow. */
  readonly residentMb: number;
}

function measure(platform: 'linux' | 'windows'): RulesFigures {
  const files = readRuleFiles(platform);
  const lines = readLines(`events_${platform}.jsonl.gz`);
  collectGarbage();
  const before = memoryMb();
  const [cpu, wall] = [cpuMs(), performance.now()];
  const set = loadRules(files, { logsource: { category: 'process_creation', product: platform } });
  const engine = new Engine(set.rules.map((rule) => rule.expression));
  const load = {
    cpuMs: cpuMs() - cpu,
    wallMs: performance.now() - wall,
    residentMb: memoryMb().resident - before.resident,
  };
  collectGarbage();
  const heldMb = memoryMb().held - before.held;

  const closures = new ClosureEngine(set.rules.map((rule) => rule.expression));
  const parse: Matcher = { match: () => [] };
  const rates = { engine: [] as number[], closures: [] as number[], parse: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    const ours = turn(engine, lines);
    const plain = turn(closures, lines);
    if (ours.matches !== plain.matches) throw new Error(`${ours.matches} matches, the closures have ${plain.matches}`);
    rates.engine.push(ours.rate);
    rates.closures.push(plain.rate);
    rates.parse.push(turn(parse, lines).rate);
  }
  return {
    platform,
    rules: set.rules.length,
    eventsPerSecond: Math.round(median(rates.engine)),
    closuresPerSecond: Math.round(median(rates.closures)),
    ratio: Number((median(rates.engine) / median(rates.closures)).toFixed(1)),
    parseOnlyPerSecond: Math.round(median(rates.parse)),
    loadCpuMs: Math.round(load.cpuMs),
    loadWallMs: Math.round(load.wallMs),
    heldMb: Math.round(heldMb),
    residentMb: Math.round(load.residentMb),
  };
}

if (SKIPPED !== '') {
  console.log(process.argv.includes('--json') ? JSON.stringify({ missing: SKIPPED.trim() }) : SKIPPED);
} else {
  const figures = (['linux', 'windows'] as const).map(measure);
  if (process.argv.includes('--json')) console.log(JSON.stringify({ figures }));
  else console.table(figures);
}
