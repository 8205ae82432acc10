import type { Skipped } from '../rules/load.ts';
import { covers } from '../rules/parse/logsource.ts';
import { PLATFORMS, type Platform } from '../values/platform.ts';

/** Reasons that are told apart; rules that are skipped for others are counted together. */
const MAX_REASONS = 20;

/** Rules that were skipped for one reason. */
export interface SkippedGroup {
  readonly reason: string;
  readonly count: number;
  /** The flag or key that has them used, if there is one. */
  readonly remedy?: string;
}

/** Counts skipped rules by their reasons, the most frequent first, and says which flag uses them. */
export function skippedGroups(skipped: readonly Skipped[]): SkippedGroup[] {
  const groups = new Map<string, SkippedGroup>();
  for (const one of skipped) {
    const { reason, remedy } = explained(one);
    const count = (groups.get(reason)?.count ?? 0) + 1;
    groups.set(reason, { reason, count, ...(remedy === undefined ? {} : { remedy }) });
  }
  const sorted = [...groups.values()].toSorted((a, b) => b.count - a.count);
  const rest = sorted.slice(MAX_REASONS).reduce((sum, { count }) => sum + count, 0);
  return [...sorted.slice(0, MAX_REASONS), ...(rest === 0 ? [] : [{ reason: 'other reasons', count: rest }])];
}

/** Why a rule is skipped, and the flag that uses it. */
export function explained({ reason, foreign }: Skipped): { readonly reason: string; readonly remedy?: string } {
  const platform = foreign && platformOf(foreign);
  if (platform === undefined) return { reason };
  return { reason: `for ${platform}`, remedy: `--platform ${platform}` };
}

/** The platform whose starts of programs a log source has. */
function platformOf(logsource: NonNullable<Skipped['foreign']>): Platform | undefined {
  return PLATFORMS.find((product) => covers(logsource, { category: 'process_creation', product }));
}
