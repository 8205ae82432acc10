/** `skipped`: it could not be looked at, by this user or on this system. */
export type Verdict = 'ok' | 'warning' | 'problem' | 'skipped';

/** One result of a check. */
export interface Finding {
  /** The part that was looked at, in a word or two. */
  readonly check: string;
  readonly verdict: Verdict;
  /** One sentence. May hold text of others: it is neutralised where it is shown. */
  readonly says: string;
  /** The next step. */
  readonly advice?: string;
}

/** Makes findings of one check. */
export function findingsOf(check: string): Record<Verdict, (says: string, advice?: string) => Finding> {
  const make =
    (verdict: Verdict) =>
    (says: string, advice?: string): Finding => ({ check, verdict, says, ...(advice === undefined ? {} : { advice }) });
  return { ok: make('ok'), warning: make('warning'), problem: make('problem'), skipped: make('skipped') };
}
