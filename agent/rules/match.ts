import type { ExecEvent } from '../../shared/events/exec.ts';
import { incompleteFields } from './fields/incomplete.ts';
import type { Detector, MatchedRule } from './detect.ts';
import { OverBudgetError, type SigmaEvent } from './engine.ts';

/** Lists and objects inside each other, in an event that somebody recorded. */
const MAX_DEPTH = 100;

export interface MatcherOptions {
  /** Turns a parsed line into Sigma's field names; undefined for a line that is no start of a program, `faulty` for one that claims to be. */
  readonly toSigma: (event: SigmaEvent) => SigmaEvent | 'faulty' | undefined;
  /** The event's own time, Unix milliseconds. */
  readonly timeOf: (event: SigmaEvent) => number;
}

export interface MatchStatistics {
  lines: number;
  events: number;
  matched: number;
  /** Events with variables of their environment. */
  environments: number;
  /** Lines that are not a JSON object, nested too deeply, or not the event that they say they are. */
  faulty: number;
  /** Events that would have taken too long to judge. */
  unjudged: number;
  /** By rule id. */
  readonly byRule: Map<string, number>;
}

/** One event, ready to be judged. */
export interface EventLine {
  /** In Sigma's names. */
  readonly event: SigmaEvent;
  /** As the line has it. */
  readonly written: SigmaEvent;
  readonly timeMs: number;
}

/** Reads the event on a line, and counts the line. @returns undefined for a line that is none */
export function readEventLine(
  line: string,
  { toSigma, timeOf }: MatcherOptions,
  statistics: Pick<MatchStatistics, 'lines' | 'events' | 'faulty'>,
): EventLine | undefined {
  statistics.lines++;
  if (line.trim() === '') return undefined;
  const written = parseObject(line);
  const event = written === undefined ? 'faulty' : toSigma(written);
  if (written === undefined || event === 'faulty') {
    statistics.faulty++;
    return undefined;
  }
  if (event === undefined) return undefined;
  statistics.events++;
  return { event, written, timeMs: timeOf(written) };
}

/** `probes-agent match` without its files: lines of events in, lines of results out. */
export class LineMatcher {
  readonly statistics: MatchStatistics = {
    lines: 0,
    events: 0,
    matched: 0,
    environments: 0,
    faulty: 0,
    unjudged: 0,
    byRule: new Map(),
  };
  readonly #detector: Detector;
  readonly #options: MatcherOptions;

  constructor(detector: Detector, options: MatcherOptions) {
    this.#detector = detector;
    this.#options = options;
  }

  /** @returns `{"line":N,"rules":["id",…]}` without a line feed, or undefined where nothing matched */
  match(line: string): string | undefined {
    const { statistics } = this;
    const read = readEventLine(line, this.#options, statistics);
    if (read === undefined) return undefined;
    const { event, written, timeMs } = read;
    if (written['env'] !== undefined || written['Environment'] !== undefined) statistics.environments++;
    const rules = this.#observe(event, timeMs, incompleteFields(written as unknown as ExecEvent));
    if (rules.length === 0) return undefined;
    statistics.matched++;
    for (const { id } of rules) statistics.byRule.set(id, (statistics.byRule.get(id) ?? 0) + 1);
    return JSON.stringify({ line: statistics.lines, rules: rules.map((rule) => rule.id) });
  }

  #observe(event: SigmaEvent, timeMs: number, incomplete: ReadonlySet<string> | undefined): MatchedRule[] {
    try {
      return this.#detector.observe(event, timeMs, incomplete);
    } catch (error) {
      if (!(error instanceof OverBudgetError)) throw error;
      this.statistics.unjudged++;
      return [];
    }
  }
}

function parseObject(line: string): SigmaEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || Array.isArray(value) || isDeep(value)) return undefined;
    return value as SigmaEvent;
  } catch {
    return undefined;
  }
}

/** Goes level by level: whatever looks into an event calls itself for each of them, and JSON.parse does not. */
function isDeep(event: object): boolean {
  let level: object[] = [event];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return true;
    level = level.flatMap((one) => Object.values(one) as unknown[]).filter(isNested);
  }
  return false;
}

const isNested = (value: unknown): value is object => typeof value === 'object' && value !== null;
