import { Busiest } from './busiest.ts';
import type { TopFacts } from './top-screen.ts';

/** Ways to group execs. */
export const GROUPINGS = ['program', 'parent', 'user', 'command'] as const;

export type Grouping = (typeof GROUPINGS)[number];

/** Longer names are cut: it bounds memory, and no screen is wider. In UTF-16 units. */
export const LONGEST_NAME = 512;

/** Counts the execs among the lines of the control socket. */
export class ExecCounter {
  readonly #by: Grouping;
  readonly #userName: (uid: number) => string | undefined;
  readonly #busiest: Busiest;
  readonly #now: () => number;
  /** When each interval of the window began. */
  readonly #starts: number[];
  #alerts = 0;
  #missed = 0;
  /** Why there is nothing new; undefined while there is. */
  problem: string | undefined;

  /** @param now milliseconds on a clock that never steps */
  constructor(
    by: Grouping,
    userName: (uid: number) => string | undefined,
    { busiest = new Busiest(), now = () => performance.now() }: { busiest?: Busiest; now?: () => number } = {},
  ) {
    this.#by = by;
    this.#userName = userName;
    this.#busiest = busiest;
    this.#now = now;
    this.#starts = [now()];
  }

  take(lines: readonly string[]): void {
    for (const line of lines) {
      const event = parsed(line);
      if (event['type'] === 'missed') this.#missed += Number(event['count']) || 0;
      if (event['type'] !== 'exec' || event['source'] === 'snapshot') continue;
      if (Array.isArray(event['rules'])) this.#alerts++;
      this.#busiest.count(this.#nameOf(event).slice(0, LONGEST_NAME));
    }
  }

  #nameOf({ exe, filename, command, uid, user_sid: sid, parent }: Record<string, unknown>): string {
    switch (this.#by) {
      case 'program':
        return text(exe) ?? text(filename) ?? text(command) ?? 'unknown';
      case 'command':
        return text(command) ?? 'unknown';
      case 'user':
        return typeof uid === 'number' ? (this.#userName(uid) ?? String(uid)) : (text(sid) ?? 'unknown');
      default: {
        const { exe: image, pid } = (parent ?? {}) as Record<string, unknown>;
        return text(image) ?? (typeof pid === 'number' ? `pid ${pid}` : 'unknown');
      }
    }
  }

  /** Ends an interval. */
  tick(): void {
    this.#busiest.tick();
    this.#starts.push(this.#now());
    while (this.#starts.length > this.#busiest.intervals) this.#starts.shift();
  }

  /** @param most names at most */
  facts(most: number): TopFacts {
    const { total, others } = this.#busiest;
    return {
      by: this.#by,
      seconds: (this.#now() - this.#starts[0]!) / 1000,
      total,
      others,
      alerts: this.#alerts,
      missed: this.#missed,
      top: this.#busiest.top(Math.max(0, most)),
      problem: this.problem,
    };
  }
}

function parsed(line: string): Record<string, unknown> {
  try {
    const value = JSON.parse(line) as unknown;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
