import type { SigmaEvent } from '../compile/subject.ts';
import { Correlator, type CorrelatorLimits, type Counted } from '../correlate/correlator.ts';
import type { CorrelationRule } from '../correlate/resolve.ts';
import type { Rule, RuleSet } from '../load.ts';
import { Explainer, isMatch, type ExplainLimits } from './explain.ts';
import type { PartlyKnown } from './field-value.ts';

/** The effect of an event on a correlation. */
export interface ExplainedCorrelation {
  readonly matched: boolean;
  /** The rules of single events that it stands on, also through other correlations. */
  readonly rules: readonly { readonly id: string; readonly title: string; readonly matched: boolean }[];
  /** In the order in which they were counted, for it and for each correlation that it refers to. */
  readonly counts: readonly ExplainedCount[];
}

export interface ExplainedCount {
  readonly id: string;
  readonly title: string;
  /** The rule or correlation that the event matched, and that is counted. */
  readonly counted: string;
  readonly group?: Readonly<Record<string, string>>;
  /** The number in the window, this event included. */
  readonly measure?: number;
  /** `gte 5`. */
  readonly condition: string;
  readonly timespan_ms: number;
  readonly met: boolean;
  /** Fields without which the event is not counted. */
  readonly lacks?: readonly string[];
}

/** Says what events do to one correlation. It has to see all of them, in their order. */
export class CorrelationExplainer {
  /** It, and those that it refers to. */
  readonly set: Pick<RuleSet, 'rules' | 'correlations'>;
  readonly #rule: CorrelationRule;
  readonly #explainers: readonly { readonly rule: Rule; readonly explainer: Explainer }[];
  readonly #correlator: Correlator;

  constructor(
    rule: CorrelationRule,
    all: Pick<RuleSet, 'rules' | 'correlations'>,
    limits?: ExplainLimits,
    groups?: CorrelatorLimits,
  ) {
    this.#rule = rule;
    this.set = under(rule, all);
    this.#explainers = this.set.rules.map((one) => ({ rule: one, explainer: new Explainer(one.expression, limits) }));
    this.#correlator = new Correlator(this.set.correlations, groups);
  }

  /**
   * @param timeMs the event's own time, Unix milliseconds
   * @returns undefined for an event that none of the rules matches
   * @throws {OverBudgetError} when it would take too long to say; the event is then not counted
   */
  explain(event: SigmaEvent, timeMs: number, known?: PartlyKnown): ExplainedCorrelation | undefined {
    const rules = this.#explainers.map(({ rule: { id, title }, explainer }) => ({
      id,
      title,
      matched: isMatch(explainer.explain(event, known)),
    }));
    const matched = rules.filter((rule) => rule.matched).map(({ id }) => id);
    if (matched.length === 0) return undefined;
    const counts: ExplainedCount[] = [];
    let isMet = false;
    this.#correlator.observe(matched, event, timeMs, (counted) => {
      counts.push(explainCount(counted));
      if (counted.rule === this.#rule && counted.isMet) isMet = true;
    });
    return { matched: isMet, rules, counts };
  }
}

function explainCount({ rule, input, group, measure, isMet, lacks }: Counted): ExplainedCount {
  const { bounds, timespanMs } = rule.correlation;
  return {
    id: rule.id,
    title: rule.title,
    counted: rule.inputs[input]!,
    ...(group === undefined ? {} : { group }),
    ...(measure === undefined ? {} : { measure }),
    condition: bounds.map(({ op, count }) => `${op} ${count}`).join(' and '),
    timespan_ms: timespanMs,
    met: isMet,
    ...(lacks.length === 0 ? {} : { lacks }),
  };
}

/** A correlation with all that it refers to, in the order of the set. */
function under(
  rule: CorrelationRule,
  { rules, correlations }: Pick<RuleSet, 'rules' | 'correlations'>,
): Pick<RuleSet, 'rules' | 'correlations'> {
  const byId = new Map(correlations.map((one) => [one.id, one]));
  const ids = new Set([rule.id]);
  // A set that grows while it is gone through reaches what was added.
  for (const id of ids) for (const input of byId.get(id)?.inputs ?? []) ids.add(input);
  return { rules: rules.filter(({ id }) => ids.has(id)), correlations: correlations.filter(({ id }) => ids.has(id)) };
}
