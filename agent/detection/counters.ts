import type { Filter } from '../rules/filter.ts';

/** What filters and rules did since the agent started, reloads included. */
export class DetectionCounters {
  /** Exec events that were looked at. */
  judged = 0;
  /** Events that filters kept from the outputs: execs, and the ends of those processes. */
  dropped = 0;
  /** Events that became alerts. */
  alerts = 0;
  /** Matches that suppression held back. */
  suppressed = 0;
  /** Events that could not be judged for a defect, and went on as they were. */
  failed = 0;
  /** Decisions by filter name. */
  readonly filters = new Map<string, number>();
  /** Matches by rule id, those held back included. */
  readonly rules = new Map<string, number>();

  decided({ name }: Pick<Filter, 'name'>): void {
    this.filters.set(name, (this.filters.get(name) ?? 0) + 1);
  }

  matched(id: string): void {
    this.rules.set(id, (this.rules.get(id) ?? 0) + 1);
  }

  /** For the log: numbers only, names of filters, ids of the rules that matched most. */
  summary(most = 20): Record<string, unknown> {
    const { judged, dropped, alerts, suppressed, failed } = this;
    const rules = [...this.rules].toSorted((a, b) => b[1] - a[1]).slice(0, most);
    return {
      judged, dropped, alerts, suppressed, failed,
      ...(this.filters.size === 0 ? {} : { filters: Object.fromEntries(this.filters) }),
      ...(rules.length === 0 ? {} : { rules: Object.fromEntries(rules) }),
    };
  }
}
