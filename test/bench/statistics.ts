/** Where half of a sample lies. */
export interface Quartiles {
  readonly q1: number;
  readonly median: number;
  readonly q3: number;
}

/** The value below which `share` of a sample lies, interpolated; NaN of an empty one. */
export function quantile(sample: readonly number[], share: number): number {
  const sorted = sample.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

export const median = (sample: readonly number[]): number => quantile(sample, 0.5);

export function quartiles(sample: readonly number[]): Quartiles {
  return { q1: quantile(sample, 0.25), median: median(sample), q3: quantile(sample, 0.75) };
}

export const sum = (sample: readonly number[]): number => sample.reduce((total, value) => total + value, 0);
