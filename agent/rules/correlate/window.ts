import type { Correlation } from '../parse/correlation.ts';
import { shortKey } from '../short-key.ts';

/**
 * The memory of one group of a correlation. Every window is bounded: it
 * holds only the entries that its condition needs.
 */
export interface Window {
  /**
   * Takes one event in and forgets what is older than the timespan.
   * @param input place of the matching rule in the correlation's list
   * @param value of the counted field, for the value types
   * @returns the measure for the condition: a count, a sum, an average …
   */
  add(timeMs: number, input: number, value: string): number;
  /** Entries held now. */
  readonly size: number;
}

/** Values that sums, averages and percentiles look back on, for one group. Older ones are let go. */
const MAX_VALUES = 10_000;

export function createWindow(correlation: Correlation): Window {
  const { type, timespanMs, bounds, rules, percentile } = correlation;
  // Counts beyond every bound cannot be told apart, so this many entries decide.
  const enough = Math.max(0, ...bounds.map((b) => b.count)) + 1;
  switch (type) {
    case 'event_count':
      return new EventWindow(timespanMs, enough);
    case 'value_count':
      return new DistinctWindow(timespanMs, enough);
    case 'temporal':
      return new TemporalWindow(timespanMs, rules.length);
    case 'temporal_ordered':
      return new OrderedWindow(timespanMs, rules.length);
    case 'value_sum':
      return new ValueWindow(timespanMs, (values) => values.reduce((a, b) => a + b, 0));
    case 'value_avg':
      return new ValueWindow(timespanMs, (values) => values.reduce((a, b) => a + b, 0) / values.length);
    case 'value_median':
      return new ValueWindow(timespanMs, (values) => percentileOf(values, 50));
    case 'value_percentile':
      return new ValueWindow(timespanMs, (values) => percentileOf(values, percentile ?? 50));
  }
}

class EventWindow implements Window {
  readonly #span: number;
  readonly #enough: number;
  #times: number[] = [];
  /** Times before this place are forgotten; they are cut off when they are half of the list. */
  #first = 0;

  constructor(span: number, enough: number) {
    this.#span = span;
    this.#enough = enough;
  }

  add(time: number): number {
    this.#times.push(time);
    while (this.#times[this.#first]! < time - this.#span || this.size > this.#enough) this.#first++;
    if (this.#first > 16 && this.#first * 2 > this.#times.length) {
      this.#times = this.#times.slice(this.#first);
      this.#first = 0;
    }
    return this.size;
  }

  get size(): number {
    return this.#times.length - this.#first;
  }
}

class DistinctWindow implements Window {
  readonly #span: number;
  readonly #enough: number;
  /** By the key of a value, in the order of their last times. */
  readonly #last = new Map<string, number>();

  constructor(span: number, enough: number) {
    this.#span = span;
    this.#enough = enough;
  }

  add(time: number, _input: number, text: string): number {
    const value = shortKey(JSON.stringify(text));
    this.#last.delete(value);
    for (const [old, last] of this.#last) {
      if (last >= time - this.#span && this.#last.size < this.#enough) break;
      this.#last.delete(old);
    }
    return this.#last.set(value, time).size;
  }

  get size(): number {
    return this.#last.size;
  }
}

class TemporalWindow implements Window {
  readonly #span: number;
  readonly #last: Float64Array;

  constructor(span: number, inputs: number) {
    this.#span = span;
    this.#last = new Float64Array(inputs).fill(-Infinity);
  }

  add(time: number, input: number): number {
    this.#last[input] = time;
    return this.#last.reduce((n, last) => (last >= time - this.#span ? n + 1 : n), 0);
  }

  get size(): number {
    return this.#last.length;
  }
}

/** The longest run of rules seen in their order: for each rule and length, the latest start of such a run that ends with the rule. */
class OrderedWindow implements Window {
  readonly #span: number;
  readonly #inputs: number;
  /** `start[rule * inputs + length - 1]`. */
  readonly #start: Float64Array;

  constructor(span: number, inputs: number) {
    this.#span = span;
    this.#inputs = inputs;
    this.#start = new Float64Array(inputs * inputs).fill(-Infinity);
  }

  add(time: number, input: number): number {
    const n = this.#inputs;
    this.#start[input * n] = time;
    for (let length = 2; length <= input + 1; length++) {
      let best = this.#start[input * n + length - 1]!;
      for (let before = 0; before < input; before++) best = Math.max(best, this.#start[before * n + length - 2]!);
      this.#start[input * n + length - 1] = best;
    }
    for (let length = n; length > 0; length--) {
      for (let rule = 0; rule < n; rule++) if (this.#start[rule * n + length - 1]! >= time - this.#span) return length;
    }
    return 0;
  }

  get size(): number {
    return this.#start.length;
  }
}

class ValueWindow implements Window {
  readonly #span: number;
  readonly #measure: (values: readonly number[]) => number;
  #entries: { readonly time: number; readonly value: number }[] = [];

  constructor(span: number, measure: (values: readonly number[]) => number) {
    this.#span = span;
    this.#measure = measure;
  }

  add(time: number, _input: number, value: string): number {
    this.#entries.push({ time, value: Number(value) });
    this.#entries = this.#entries.filter((e) => e.time >= time - this.#span).slice(-MAX_VALUES);
    return this.#measure(this.#entries.map((e) => e.value));
  }

  get size(): number {
    return this.#entries.length;
  }
}

/** The nearest rank. */
function percentileOf(values: readonly number[], percentile: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percentile / 100) * sorted.length) - 1)]!;
}
