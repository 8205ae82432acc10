import type { ExecEvent } from '../../shared/events/exec.ts';
import { orAlerts } from '../enrichment/alert-lookups.ts';
import { Enrichment } from '../enrichment/enrichment.ts';
import { readUserNames } from '../enrichment/password-file.ts';
import { OverBudgetError, type SigmaEvent } from '../rules/engine.ts';
import { Explainer } from '../rules/explain/explain.ts';
import type { Explained } from '../rules/explain/explained.ts';
import { cutFields, incompleteFields } from '../rules/fields/incomplete.ts';
import { fieldsOf } from '../rules/fields/known.ts';
import { createMapper, fieldsReadBy, lookupsFor } from '../rules/fields/mapper.ts';
import type { RuleSet } from '../rules/load.ts';
import { hostPlatform } from '../values/platform.ts';
import { EXPLAIN_PARTS, EXPLAIN_STEPS, MAX_EXPLANATION_LENGTH } from './limits.ts';

/** Why one rule matched an alert. */
export interface Explanation {
  readonly id: string;
  readonly title: string;
  /** Absent where it would take too long, or too much room, to say. */
  readonly explanation?: Explained;
}

/** The rules of one set, ready to explain. */
interface Ready {
  readonly set: RuleSet | undefined;
  readonly map: (event: ExecEvent) => SigmaEvent;
  readonly explainers: Map<string, Explainer>;
}

/**
 * Says of alerts why their rules matched: from the line alone, as the reader gets it. So secrets stay redacted, and what was looked up
 * at the time (digests, names from a directory) is missing.
 */
export class Explanations {
  readonly #inForce: () => RuleSet | undefined;
  #ready: Ready | undefined;

  constructor(inForce: () => RuleSet | undefined) {
    this.#inForce = inForce;
  }

  /** A line with `explanations`, one for each rule of single events that is still in force. @param line with its newline */
  addTo(line: Buffer): Buffer {
    const alert = JSON.parse(line.toString('utf8')) as ExecEvent & { readonly rules?: readonly { id?: unknown }[] };
    if (alert.type !== 'exec' || !Array.isArray(alert.rules)) return line;
    return Buffer.from(`${JSON.stringify({ ...alert, explanations: this.#of(alert, alert.rules) })}\n`);
  }

  #of(alert: ExecEvent, matched: readonly { readonly id?: unknown }[]): Explanation[] {
    const { set, map, explainers } = this.#current();
    const event = map(alert);
    const known = { ends: incompleteFields(alert), starts: cutFields(alert) };
    let room = MAX_EXPLANATION_LENGTH;
    return matched.flatMap(({ id }): Explanation[] => {
      const rule = set?.rules.find((one) => one.id === id);
      if (rule === undefined) return [];
      let explainer = explainers.get(rule.id);
      if (explainer === undefined)
        explainers.set(
          rule.id,
          (explainer = new Explainer(rule.expression, { steps: EXPLAIN_STEPS, parts: EXPLAIN_PARTS })),
        );
      const { title } = rule;
      try {
        const explanation = explainer.explain(event, known);
        room -= JSON.stringify(explanation).length;
        return [{ id: rule.id, title, ...(room < 0 ? {} : { explanation }) }];
      } catch (error) {
        if (error instanceof OverBudgetError) return [{ id: rule.id, title }];
        throw error;
      }
    });
  }

  #current(): Ready {
    const set = this.#inForce();
    if (this.#ready === undefined || this.#ready.set !== set)
      this.#ready = { set, map: mapperFor(set), explainers: new Map() };
    return this.#ready;
  }
}

function mapperFor(set: RuleSet | undefined): Ready['map'] {
  const platform = hostPlatform();
  const named = new Set<string>();
  for (const { expression } of set?.rules ?? []) fieldsOf(expression, named);
  const fields = fieldsReadBy({ fields: named, readsEverything: true });
  const needed = lookupsFor(platform, fields);
  const users = readUserNames();
  const lookups = orAlerts(new Enrichment({ live: false }).lookups(needed), needed);
  return createMapper({ platform, fields, lookups: { ...lookups, userName: (uid) => users.get(uid) } });
}
