import { reader, type SigmaEvent } from '../compile/subject.ts';
import type { Bounds } from '../parse/correlation.ts';
import { shortKey } from '../short-key.ts';
import type { CorrelationRule } from './resolve.ts';
import { createWindow, type Window } from './window.ts';

export interface CorrelatorLimits {
  /** Groups of one correlation; the one that was quiet longest goes first. Default 10,000. */
  readonly maxGroups?: number;
  /** Entries of one correlation in all its groups. Default 200,000. */
  readonly maxEntries?: number;
}

/** A correlation whose condition came true. */
export interface CorrelationMatch {
  readonly rule: CorrelationRule;
  /** Values of `group-by`, by name. */
  readonly group: Readonly<Record<string, string>>;
  /** The count, sum or average that met the condition. */
  readonly measure: number;
}

/** The effect of one event on one correlation, for explanations. */
export interface Counted {
  readonly rule: CorrelationRule;
  /** Place of the input that the event matched. */
  readonly input: number;
  /** Values of `group-by`, by name; absent where the event is not counted. */
  readonly group?: Readonly<Record<string, string>>;
  /** The count, sum or average, this event included. */
  readonly measure?: number;
  /** Whether the measure meets the condition; the group then begins anew. */
  readonly isMet: boolean;
  /** Fields that the event lacks, or that are no number where one is counted: it is then not counted. */
  readonly lacks: readonly string[];
}

/**
 * Follows correlations over a stream of events. Time is the events' own and
 * arrives with them; an event from the past counts as if it came now, since windows do not reach back. If it comes from before
 * the whole window, the clock was stepped back, and the correlation begins anew: else its windows would stand open for as long as the step.
 *
 * When a condition is met, its group begins anew: each report stands on events of its own.
 */
export class Correlator {
  readonly #states: readonly CorrelationState[];

  constructor(rules: readonly CorrelationRule[], { maxGroups = 10_000, maxEntries = 200_000 }: CorrelatorLimits = {}) {
    this.#states = rules.map((rule) => new CorrelationState(rule, maxGroups, maxEntries));
  }

  /**
   * @param matched ids of the rules that the event matched, whether they report or not
   * @param onCount is told what the event did to each correlation that one of them feeds
   */
  observe(
    matched: readonly string[],
    event: SigmaEvent,
    timeMs: number,
    onCount?: (counted: Counted) => void,
  ): CorrelationMatch[] {
    if (matched.length === 0 || this.#states.length === 0) return [];
    const active = new Set(matched);
    const found: CorrelationMatch[] = [];
    // Each stands after those it refers to, so one pass is enough for chains.
    for (const state of this.#states) {
      for (const match of state.observe(active, event, timeMs, onCount)) {
        active.add(match.rule.id);
        if (match.rule.reports) found.push(match);
      }
    }
    return found;
  }

  /** Groups and entries held, and groups evicted early. */
  statistics(): { groups: number; entries: number; evicted: number } {
    const sum = (of: (state: CorrelationState) => number) =>
      this.#states.reduce((total, state) => total + of(state), 0);
    return { groups: sum((s) => s.groups), entries: sum((s) => s.entries), evicted: sum((s) => s.evicted) };
  }
}

type Read = (event: SigmaEvent) => unknown;

/** A group that the event under way was counted in. */
interface Touched {
  readonly group: readonly string[];
  readonly inputs: number[];
  /** The keys (`#keyOf`) under which the event was counted. */
  readonly keys: Set<string>;
  measure: number;
}

class CorrelationState {
  evicted = 0;
  entries = 0;
  readonly #rule: CorrelationRule;
  readonly #maxGroups: number;
  readonly #maxEntries: number;
  /** In the order of their last events. */
  readonly #groups = new Map<string, Window>();
  /** By input: how to read the group's values and the counted ones. */
  readonly #groupReads: readonly (readonly Read[])[];
  readonly #valueReads: readonly (readonly Read[])[];
  #now = -Infinity;

  constructor(rule: CorrelationRule, maxGroups: number, maxEntries: number) {
    this.#rule = rule;
    this.#maxGroups = maxGroups;
    this.#maxEntries = maxEntries;
    const reads = (names: readonly string[]) =>
      rule.inputs.map((_, input) => names.map((name) => reader(rule.fieldOf(name, input))));
    this.#groupReads = reads(rule.correlation.groupBy);
    this.#valueReads = reads(rule.correlation.fields);
  }

  get groups(): number {
    return this.#groups.size;
  }

  /** @returns a match for each group that the event completes: two, where two rules group it by different fields */
  observe(
    active: ReadonlySet<string>,
    event: SigmaEvent,
    timeMs: number,
    onCount?: (counted: Counted) => void,
  ): CorrelationMatch[] {
    const { inputs, correlation } = this.#rule;
    const now = this.#timeOf(timeMs);
    const touched = new Map<string, Touched>();
    // From the last rule to the first: one event that matches two rules is not an order of events.
    for (let input = inputs.length - 1; input >= 0; input--) {
      if (!active.has(inputs[input]!)) continue;
      const group = textsOf(this.#groupReads[input]!, event);
      const value = textsOf(this.#valueReads[input]!, event);
      if (group === undefined || value === undefined || !isCountable(correlation.type, value)) {
        onCount?.({ rule: this.#rule, input, isMet: false, lacks: this.#lackedBy(event, input) });
        continue;
      }
      const key = shortKey(JSON.stringify(group));
      const one = touched.get(key) ?? { group, inputs: [], keys: new Set<string>(), measure: 0 };
      touched.set(key, one);
      const counted = this.#keyOf(input);
      if (one.keys.has(counted)) continue;
      one.keys.add(counted);
      one.inputs.push(input);
      const window = this.#touch(key);
      const before = window.size;
      one.measure = window.add(now, input, value.length === 1 ? value[0]! : JSON.stringify(value));
      this.entries += window.size - before;
    }
    const matches: CorrelationMatch[] = [];
    // The condition is about the whole event, all the rules that it matches included.
    for (const [key, { group, inputs: countedBy, measure }] of touched) {
      const isMet = meets(measure, correlation.bounds);
      const named = (): Readonly<Record<string, string>> =>
        Object.fromEntries(correlation.groupBy.map((name, i) => [name, group[i]!]));
      for (const input of countedBy) onCount?.({ rule: this.#rule, input, group: named(), measure, isMet, lacks: [] });
      if (!isMet) continue;
      matches.push({ rule: this.#rule, group: named(), measure });
      this.#remove(key);
    }
    this.#evict();
    return matches;
  }

  #timeOf(timeMs: number): number {
    if (timeMs < this.#now - this.#rule.correlation.timespanMs) {
      this.#groups.clear();
      this.entries = 0;
      this.#now = timeMs;
    }
    return (this.#now = Math.max(this.#now, timeMs));
  }

  /** Inputs with the same key count an event once: all inputs of an event count, and those of a sum or an average that read the same field. */
  #keyOf(input: number): string {
    const { correlation, fieldOf } = this.#rule;
    if (correlation.type === 'event_count') return 'event';
    return isOfNumbers(correlation.type) ? fieldOf(correlation.fields[0]!, input) : String(input);
  }

  /** The fields for which an event is not counted. */
  #lackedBy(event: SigmaEvent, input: number): string[] {
    const { correlation, fieldOf } = this.#rule;
    const names = [...correlation.groupBy, ...correlation.fields];
    const reads = [...this.#groupReads[input]!, ...this.#valueReads[input]!];
    const missing = names.filter((_, i) => textsOf([reads[i]!], event) === undefined);
    return (missing.length > 0 ? missing : correlation.fields).map((name) => fieldOf(name, input));
  }

  #touch(key: string): Window {
    let window = this.#groups.get(key);
    if (window === undefined) {
      window = createWindow(this.#rule.correlation);
      this.entries += window.size;
    } else {
      this.#groups.delete(key);
    }
    this.#groups.set(key, window);
    return window;
  }

  #remove(key: string): void {
    this.entries -= this.#groups.get(key)?.size ?? 0;
    this.#groups.delete(key);
  }

  #evict(): void {
    while (this.#groups.size > this.#maxGroups || (this.entries > this.#maxEntries && this.#groups.size > 1)) {
      const [oldest] = this.#groups.keys();
      this.#remove(oldest!);
      this.evicted++;
    }
  }
}

/** The values as text, or undefined where one is missing: an event without them belongs to no group. */
function textsOf(reads: readonly Read[], event: SigmaEvent): string[] | undefined {
  const texts: string[] = [];
  for (const read of reads) {
    const value = read(event);
    if (value === undefined || value === null) return undefined;
    texts.push(typeof value === 'object' ? JSON.stringify(value) : String(value));
  }
  return texts;
}

function isCountable(type: string, value: readonly string[]): boolean {
  return !isOfNumbers(type) || (value[0]?.trim() !== '' && Number.isFinite(Number(value[0])));
}

const isOfNumbers = (type: string): boolean => type.startsWith('value_') && type !== 'value_count';

function meets(measure: number, bounds: Bounds): boolean {
  return bounds.every(({ op, count }) => {
    switch (op) {
      case 'gt':
        return measure > count;
      case 'gte':
        return measure >= count;
      case 'lt':
        return measure < count;
      case 'lte':
        return measure <= count;
      case 'eq':
        return measure === count;
      case 'neq':
        return measure !== count;
    }
  });
}
