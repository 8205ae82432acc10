/** "Once per ten minutes per program": the first report is let through, the others of the window are counted. */
export interface Suppression {
  readonly windowMs: number;
  /** Fields of the event whose values make a group; none for one group a rule. */
  readonly per: readonly string[];
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const FORM = /^once per (\d{1,6}) ?([smhd])((?: per [\w.]+)*)$/;

/** Reads `once per 10 m per exe`, with any number of `per FIELD`; undefined where it is something else. */
export function parseSuppression(text: string): Suppression | undefined {
  const found = FORM.exec(text.trim());
  if (found === null || Number(found[1]) === 0) return undefined;
  const per = found[3]!.split(' per ').filter((name) => name !== '');
  return { windowMs: Number(found[1]) * UNIT_MS[found[2]!]!, per };
}

export type SuppressionDecision =
  /** `suppressed`: how many of the same were held back since the last report. */
  { readonly report: true; readonly suppressed: number } | { readonly report: false };

/** The matches suppressed in a window that has ended, for a separate report. */
export interface Held {
  readonly rule: string;
  readonly group: string;
  readonly count: number;
}

interface Window {
  readonly rule: string;
  readonly group: string;
  readonly windowMs: number;
  /** Unix milliseconds. */
  readonly began: number;
  count: number;
}

/**
 * Decides which reports are held back. Memory is bounded by `maxGroups`: when
 * it is full, the group that began first is closed early and what it held back is handed out by `take`, so nothing is
 * lost silently.
 */
export class Suppressor {
  readonly #maxGroups: number;
  /** In the order of their windows' beginnings, for one window length. */
  readonly #groups = new Map<string, Window>();
  readonly #closed: Held[] = [];
  #total = 0;

  constructor(maxGroups = 10_000) {
    this.#maxGroups = maxGroups;
  }

  /**
   * An event from before the window by more than its length comes from a clock that was stepped back, and begins a new one: else alerts would be
   * held back for as long as the step.
   * @param nowMs the event's time, Unix milliseconds
   */
  decide(rule: string, group: string, windowMs: number, nowMs: number): SuppressionDecision {
    const key = JSON.stringify([rule, group]);
    const known = this.#groups.get(key);
    if (known !== undefined && isWithin(known, nowMs)) {
      known.count++;
      this.#total++;
      return { report: false };
    }
    this.#groups.delete(key);
    this.#groups.set(key, { rule, group, windowMs, began: nowMs, count: 0 });
    if (this.#groups.size > this.#maxGroups) {
      const [oldest] = this.#groups;
      this.#close(oldest![0]);
    }
    return { report: true, suppressed: known?.count ?? 0 };
  }

  /** Returns the matches suppressed by windows that ended by `nowMs`, or that a clock that was stepped back has left ahead, or closed early. Returns each once. */
  take(nowMs: number): Held[] {
    for (const [key, window] of this.#groups) if (!isWithin(window, nowMs)) this.#close(key);
    return this.#closed.splice(0);
  }

  /** Reports held back so far, for metrics. */
  get total(): number {
    return this.#total;
  }

  get groups(): number {
    return this.#groups.size;
  }

  #close(key: string): void {
    const { rule, group, count } = this.#groups.get(key)!;
    this.#groups.delete(key);
    if (count === 0) return;
    // A caller that never takes must not make us grow: neighbours of one rule are added up.
    const last = this.#closed.length >= this.#maxGroups ? this.#closed.pop() : undefined;
    this.#closed.push(
      last === undefined ? { rule, group, count } : { rule: last.rule, group: last.group, count: last.count + count },
    );
  }
}

const isWithin = ({ began, windowMs }: Window, nowMs: number): boolean =>
  nowMs < began + windowMs && nowMs >= began - windowMs;

/** The group of an event: the values of the suppression's fields. */
export function groupOf({ per }: Suppression, event: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(per.map((name) => event[name] ?? null));
}
