import type { ExecEvent } from '../../shared/events/exec.ts';
import { incompleteFields } from './fields/incomplete.ts';
import type { Detector, MatchedRule } from './detect.ts';
import { OverBudgetError, type SigmaEvent } from './engine.ts';

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
  /** Lines that are not a JSON object, or not the event that they say they are. */
  faulty: number;
  /** Events that would have taken too long to judge. */
  unjudged: number;
  /** By rule id. */
  readonly byRule: Map<string, number>;
}

/** `probes-agent match` without its files: lines of events in, lines of results out. */
export class LineMatcher {
  readonly statistics: MatchStatistics = { lines: 0, events: 0, matched: 0, faulty: 0, unjudged: 0, byRule: new Map() };
  readonly #detector: Detector;
  readonly #options: MatcherOptions;

  constructor(detector: Detector, options: MatcherOptions) {
    this.#detector = detector;
    this.#options = options;
  }

  /** @returns `{"line":N,"rules":["id",…]}` without a line feed, or undefined where nothing matched */
  match(line: string): string | undefined {
    const { statistics } = this;
    statistics.lines++;
    if (line.trim() === '') return undefined;
    const parsed = parseObject(line);
    const event = parsed === undefined ? 'faulty' : this.#options.toSigma(parsed);
    if (parsed === undefined || event === 'faulty') {
      statistics.faulty++;
      return undefined;
    }
    if (event === undefined) return undefined;
    statistics.events++;
    const rules = this.#observe(event, this.#options.timeOf(parsed), incompleteFields(parsed as unknown as ExecEvent));
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
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as SigmaEvent) : undefined;
  } catch {
    return undefined;
  }
}
