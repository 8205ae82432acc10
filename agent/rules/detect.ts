import { Correlator, type CorrelatorLimits } from './correlate/correlator.ts';
import { Engine, type EngineLimits, type SigmaEvent } from './engine.ts';
import type { Rule, RuleSet } from './load.ts';
import type { Level } from './parse/metadata.ts';

/** The part of an alert about a rule. It names the author because the rules' licence requires it. */
export interface MatchedRule {
  readonly id: string;
  readonly title: string;
  readonly level?: Level;
  readonly author?: string;
  readonly tags: readonly string[];
  /** Of a correlation: the values it grouped by, and what met its condition. */
  readonly group?: Readonly<Record<string, string>>;
  readonly measure?: number;
}

export interface DetectorLimits extends EngineLimits {
  readonly correlations?: CorrelatorLimits;
}

/** A rule set at work: rules of single events first, then the correlations over them. */
export class Detector {
  readonly #rules: readonly Rule[];
  readonly #described: readonly MatchedRule[];
  readonly #engine: Engine;
  readonly #correlator: Correlator;
  readonly #correlates: boolean;
  /** Names of the fields that any rule or correlation reads. */
  readonly fields: ReadonlySet<string>;
  readonly readsEverything: boolean;

  constructor(set: RuleSet, { correlations, ...limits }: DetectorLimits = {}) {
    this.#rules = set.rules;
    this.#described = set.rules.map(describe);
    this.#engine = new Engine(
      set.rules.map((rule) => rule.expression),
      limits,
    );
    this.#correlator = new Correlator(set.correlations, correlations);
    this.#correlates = set.correlations.length > 0;
    this.readsEverything = this.#engine.readsEverything;
    const names = set.correlations.flatMap((rule) =>
      [...rule.correlation.groupBy, ...rule.correlation.fields].flatMap((name) =>
        rule.inputs.map((_, i) => rule.fieldOf(name, i)),
      ),
    );
    this.fields = new Set([...this.#engine.fields, ...names]);
  }

  /**
   * The rules that report this event, in the order of the set, then correlations.
   * @param timeMs the event's own time, Unix milliseconds
   * @param incomplete fields with a known end only: a rule that may match because of that counts as a match
   * @throws {OverBudgetError} when judging would take too long; correlations have then not seen the event
   */
  observe(event: SigmaEvent, timeMs: number, incomplete?: ReadonlySet<string>): MatchedRule[] {
    const matched =
      incomplete === undefined ? this.#engine.match(event) : this.#engine.matchIncomplete(event, incomplete, always);
    if (matched.length === 0) return [];
    const reported: MatchedRule[] = [];
    for (const number of matched) if (this.#rules[number]!.reports) reported.push(this.#described[number]!);
    if (!this.#correlates) return reported;
    const ids = matched.map((number) => this.#rules[number]!.id);
    for (const { rule, group, measure } of this.#correlator.observe(ids, event, timeMs))
      reported.push({ ...describe(rule), group, measure });
    return reported;
  }

  statistics(): ReturnType<Engine['statistics']> & ReturnType<Correlator['statistics']> {
    return { ...this.#engine.statistics(), ...this.#correlator.statistics() };
  }
}

const always = (): boolean => true;

function describe({
  id,
  title,
  level,
  author,
  tags,
}: Pick<Rule, 'id' | 'title' | 'level' | 'author' | 'tags'>): MatchedRule {
  return { id, title, ...(level === undefined ? {} : { level }), ...(author === undefined ? {} : { author }), tags };
}
