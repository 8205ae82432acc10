import type { ExecEvent } from '../../shared/events/exec.ts';
import { incompleteFields } from './fields/incomplete.ts';
import { Detector } from './detect.ts';
import type { SigmaEvent } from './engine.ts';
import type { Rule, RuleSet } from './load.ts';
import type { CorrelationRule } from './correlate/resolve.ts';
import type { TestEvent } from './parse/rule-tests.ts';

export interface RuleTestResult {
  readonly rule: string;
  readonly title: string;
  readonly file: string;
  /** `tests.match[0]`. */
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly expected: 'match' | 'no match';
  readonly passed: boolean;
}

/**
 * Runs the tests that stand beside rules. A rule is tested alone, with the global filters of the
 * set; a correlation together with what it refers to, its events one second apart unless they say their `time` or `timestamp`.
 * @param toSigma maps an event of ours; an event without a `type` has Sigma's names already
 */
export function runRuleTests(set: RuleSet, toSigma: (event: TestEvent) => SigmaEvent): RuleTestResult[] {
  const byId = new Map<string, Rule | CorrelationRule>(
    [...set.rules, ...set.correlations].map((rule) => [rule.id, rule]),
  );
  return [...set.rules, ...set.correlations].flatMap((rule) => {
    const parts = needed(rule, byId);
    const alone: RuleSet = {
      ...set,
      rules: set.rules.filter((r) => parts.has(r.id)),
      correlations: set.correlations.filter((r) => parts.has(r.id)),
    };
    return rule.tests.map((test) => {
      const only = <T extends Rule | CorrelationRule>(rules: readonly T[]): T[] =>
        rules.map((r) => ({ ...r, reports: r.id === rule.id }));
      const detector = new Detector({ ...alone, rules: only(alone.rules), correlations: only(alone.correlations) });
      let found = false;
      for (const [i, event] of test.events.entries()) {
        const sigma = event['type'] === undefined ? event : toSigma(event);
        const reported = detector.observe(sigma, timeOf(event, i), incompleteFields(event as unknown as ExecEvent));
        found ||= reported.some((r) => r.id === rule.id);
      }
      return {
        rule: rule.id,
        title: rule.title,
        file: rule.file,
        path: test.path,
        line: test.line,
        column: test.column,
        expected: test.matches ? 'match' : 'no match',
        passed: found === test.matches,
      } as const;
    });
  });
}

/** The rule and, for a correlation, everything it stands on. */
function needed(rule: Rule | CorrelationRule, byId: ReadonlyMap<string, Rule | CorrelationRule>): Set<string> {
  const ids = new Set<string>();
  const visit = (one: Rule | CorrelationRule | undefined): void => {
    if (one === undefined || ids.has(one.id)) return;
    ids.add(one.id);
    if ('inputs' in one) for (const input of one.inputs) visit(byId.get(input));
  };
  visit(rule);
  return ids;
}

function timeOf(event: TestEvent, place: number): number {
  const { time, timestamp } = event as { time?: unknown; timestamp?: unknown };
  const parsed = typeof time === 'string' ? Date.parse(time) : typeof timestamp === 'number' ? timestamp * 1000 : NaN;
  return Number.isNaN(parsed) ? place * 1000 : parsed;
}
