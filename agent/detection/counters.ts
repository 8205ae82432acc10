import type { NameResult } from '../enrichment/containers/names.ts';
import { FactCounters } from '../enrichment/fact-finder.ts';
import type { Filter } from '../rules/filter.ts';
import type { MatchedRule } from '../rules/detect.ts';
import { MAX_COUNTED_NAMES } from './limits.ts';

/** The name that stands for all beyond a bound. */
export const OTHERS = 'others';

/** Work of filters and rules since the agent started, across reloads. */
export class DetectionCounters {
  /** Exec events judged. */
  judged = 0;
  /** Events that filters dropped: execs, and the forks and exits of those processes. */
  dropped = 0;
  /** Events that became alerts. */
  alerts = 0;
  /** Matches that suppression withheld. */
  suppressed = 0;
  /** Events passed on unchanged because a defect kept them from being judged. */
  failed = 0;
  /** Events passed on unchanged because judging them would have taken too long. */
  unjudged = 0;
  /** Decisions by filter name. */
  readonly filters = new Map<string, number>();
  /** Matches by rule id, including withheld ones. */
  readonly rules = new Map<string, number>();
  /** Of the facts that outputs ask for. */
  readonly facts = new FactCounters();
  /** The levels of those rules, by id. */
  readonly levels = new Map<string, MatchedRule['level']>();
  /** The fate of names of containers. */
  readonly containerNames = new Map<NameResult, number>();

  decided({ name }: Pick<Filter, 'name'>): void {
    countIn(this.filters, name);
  }

  matched({ id, level }: Pick<MatchedRule, 'id' | 'level'>): void {
    if (countIn(this.rules, id) === id) this.levels.set(id, level);
  }

  /** For the log: numbers, names of filters, ids of rules. */
  summary(): Record<string, unknown> {
    const { judged, dropped, alerts, suppressed, failed, unjudged, filters, rules } = this;
    return {
      judged,
      dropped,
      alerts,
      suppressed,
      failed,
      unjudged,
      ...(filters.size === 0 ? {} : { filters: mostOf(filters) }),
      ...(rules.size === 0 ? {} : { rules: mostOf(rules) }),
    };
  }
}

/** Rules and filters come and go with reloads: those beyond the bound are counted together. @returns the name that it was counted under */
function countIn(counts: Map<string, number>, name: string): string {
  const key = counts.has(name) || counts.size < MAX_COUNTED_NAMES ? name : OTHERS;
  counts.set(key, (counts.get(key) ?? 0) + 1);
  return key;
}

/** The highest counts, and the sum of the others. */
export function mostOf(counts: ReadonlyMap<string, number>, most = 20): Record<string, number> {
  const sorted = [...counts].toSorted((a, b) => b[1] - a[1]);
  const others = sorted.slice(most).reduce((sum, [, count]) => sum + count, 0);
  return Object.fromEntries([...sorted.slice(0, most), ...(others === 0 ? [] : [[OTHERS, others] as const])]);
}
