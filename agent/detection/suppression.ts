import type { SigmaEvent } from '../rules/engine.ts';
import { unknownFields } from '../rules/fields/known.ts';
import { formatProblem } from '../problem.ts';
import type { Rule, RuleSet } from '../rules/load.ts';
import type { CorrelationRule } from '../rules/correlate/resolve.ts';
import { shortKey } from '../rules/short-key.ts';
import { groupOf, parseSuppression, type Suppression } from '../rules/suppress.ts';
import type { RulesConfig } from './config.ts';

/** The suppression of each rule, and warnings about entries without effect. */
export interface Suppressions {
  /** By rule id. */
  readonly byRule: ReadonlyMap<string, Suppression>;
  readonly warnings: readonly string[];
}

/** Uses, for each rule, the first entry of the configuration that names it, else the rule's own `suppress`. */
export function suppressionsOf({ suppress }: Pick<RulesConfig, 'suppress'>, set: RuleSet): Suppressions {
  const all = [...set.rules, ...set.correlations];
  const byRule = new Map<string, Suppression>();
  const warnings: string[] = [];
  for (const rule of all) {
    const entry = suppress.find(({ rules }) => rules === undefined || rules.some((name) => isNamed(rule, name)));
    const own = rule.custom.get('suppress');
    const found =
      entry === undefined
        ? typeof own === 'string'
          ? parseSuppression(own)
          : undefined
        : parseSuppression(entry.report);
    if (found !== undefined) {
      byRule.set(rule.id, found);
      if (entry === undefined)
        for (const message of unknownFields(found.per)) warnings.push(formatProblem({ ...placeOf(rule), message }));
    } else if (own !== undefined && entry === undefined) {
      warnings.push(
        formatProblem({
          ...placeOf(rule),
          message: 'expected such as "once per 10m per exe"; every match is an alert',
        }),
      );
    }
  }
  for (const [i, { rules = [], report }] of suppress.entries()) {
    for (const message of unknownFields(parseSuppression(report)?.per ?? []))
      warnings.push(`rules.suppress[${i}].report: ${message}`);
    for (const [j, name] of rules.entries()) {
      if (!all.some((rule) => isNamed(rule, name)))
        warnings.push(`rules.suppress[${i}].rules[${j}]: no rule that is in use has the id, name or title "${name}"`);
    }
  }
  return { byRule, warnings };
}

const placeOf = ({ file, line }: Rule | CorrelationRule) => ({ file, line, column: 1, path: 'suppress' });

function isNamed(rule: Rule | CorrelationRule, name: string): boolean {
  return rule.id === name || rule.name === name || rule.title === name;
}

/** Returns the event's group, as a short text. */
export function keyOf(suppression: Suppression, event: SigmaEvent): string {
  return shortKey(groupOf(suppression, event));
}
