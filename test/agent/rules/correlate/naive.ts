/** Correlations, written down as plainly as possible: each group keeps whole events, and every question is asked of all of them. */
export interface NaiveCorrelation {
  readonly id: string;
  readonly type: 'event_count' | 'value_count' | 'temporal' | 'temporal_ordered' | 'value_sum' | 'value_avg';
  readonly rules: readonly string[];
  readonly groupBy: readonly string[];
  readonly spanMs: number;
  readonly condition: Readonly<Record<string, number>>;
  /** Counted, added up; unused by the types that count events or rules. */
  readonly field: string;
  /** By name, then by rule. */
  readonly aliases: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

type Event = Readonly<Record<string, unknown>>;

/** One event, counted in one group. */
interface Entry {
  readonly time: number;
  /** Places of the rules that it matches. */
  readonly inputs: number[];
  value: unknown;
}

export interface NaiveMatch {
  readonly id: string;
  readonly group: readonly string[];
  readonly measure: number;
}

export class NaiveCorrelator {
  readonly #correlations: readonly NaiveCorrelation[];
  readonly #groups = new Map<string, Entry[]>();
  /** By correlation. */
  readonly #now = new Map<string, number>();

  constructor(correlations: readonly NaiveCorrelation[]) {
    this.#correlations = correlations;
  }

  observe(matched: readonly string[], event: Event, time: number): NaiveMatch[] {
    if (matched.length === 0) return [];
    const active = new Set(matched);
    return this.#correlations.flatMap((correlation) => {
      const found = this.#count(correlation, active, event, time);
      if (found.length > 0) active.add(correlation.id);
      return found;
    });
  }

  #count(correlation: NaiveCorrelation, active: ReadonlySet<string>, event: Event, time: number): NaiveMatch[] {
    const { id, type, rules, groupBy, field, aliases, spanMs, condition } = correlation;
    const last = this.#now.get(id) ?? time;
    const isBefore = time < last - spanMs;
    const now = isBefore ? time : Math.max(last, time);
    this.#now.set(id, now);
    if (isBefore) for (const key of this.#groups.keys()) if (key.startsWith(`["${id}"`)) this.#groups.delete(key);
    const needsValue = type.startsWith('value_');
    const entries = new Map<string, Entry>();
    for (const [input, rule] of rules.entries()) {
      if (!active.has(rule)) continue;
      const group = groupBy.map((name) => event[aliases[name]?.[rule] ?? name]);
      const value = event[field];
      if (group.some(isMissing) || (needsValue && isMissing(value))) continue;
      if (needsValue && type !== 'value_count' && Number.isNaN(Number(value))) continue;
      const key = JSON.stringify([id, ...group.map(String)]);
      const entry = entries.get(key) ?? { time: now, inputs: [], value };
      entry.inputs.push(input);
      entries.set(key, entry);
    }
    return [...entries].flatMap(([key, entry]) => {
      const window = [...(this.#groups.get(key) ?? []), entry].filter((one) => one.time >= now - spanMs);
      const measure = measureOf(correlation, window);
      const isMet = Object.entries(condition).every(([op, count]) => meets(op, measure, count));
      this.#groups.set(key, isMet ? [] : window);
      return isMet ? [{ id, group: (JSON.parse(key) as string[]).slice(1), measure }] : [];
    });
  }
}

const isMissing = (value: unknown): boolean => value === undefined || value === null;

function measureOf({ type, rules }: NaiveCorrelation, window: readonly Entry[]): number {
  const sum = window.reduce((total, { value }) => total + Number(value), 0);
  switch (type) {
    case 'event_count':
      return window.length;
    case 'value_count':
      return new Set(window.map(({ value }) => String(value))).size;
    case 'temporal':
      return new Set(window.flatMap(({ inputs }) => inputs)).size;
    case 'temporal_ordered': {
      let longest = rules.map(() => 0);
      for (const { inputs } of window)
        longest = longest.map((length, i) =>
          inputs.includes(i) ? Math.max(length, 1 + Math.max(0, ...longest.slice(0, i))) : length,
        );
      return Math.max(...longest);
    }
    case 'value_sum':
      return sum;
    case 'value_avg':
      return sum / window.length;
  }
}

function meets(op: string, measure: number, count: number): boolean {
  if (op === 'gt') return measure > count;
  if (op === 'gte') return measure >= count;
  if (op === 'lt') return measure < count;
  if (op === 'lte') return measure <= count;
  return op === 'eq' ? measure === count : measure !== count;
}
