import type { Platform } from '../rules/fields/table.ts';
import { formatProblem, loadRules, type RuleFile, type RuleSet } from '../rules/load.ts';
import { BUILTIN_RULES } from './builtin-rules.ts';
import type { RulesConfig } from './config.ts';
import { readRuleFolders } from './rule-files.ts';

/** The rules of a configuration, as they were read. */
export interface LoadedRules {
  readonly set: RuleSet;
  readonly files: readonly RuleFile[];
  /** Where a change can happen. */
  readonly folders: readonly string[];
}

/** The platform whose rules apply on this machine. */
export function hostPlatform(): Platform {
  return process.platform === 'win32' ? 'windows' : process.platform === 'darwin' ? 'macos' : 'linux';
}

/**
 * Reads the rules that a configuration asks for. Faulty rules are in the set's `refused`, and keep no other from loading.
 * @throws {RuleFolderError} when a folder cannot be read
 */
export function loadRuleSet(config: RulesConfig, platform: Platform): LoadedRules {
  const { files: own, folders } = readRuleFolders(config.folders);
  const files = [...(config.builtin ? BUILTIN_RULES : []), ...own];
  const set = loadRules(files, {
    logsource: { category: 'process_creation', product: platform },
    minLevel: config.min_level,
    placeholders: new Map(Object.entries(config.placeholders)),
  });
  return { set, files, folders };
}

/**
 * Rules that are in force and would be lost to a mistake: their file has now something in it that is refused.
 * @returns why, a line for each reason; nothing when no rule is lost
 */
export function lostTo(next: RuleSet, current: RuleSet): string[] {
  const ids = new Set([...next.rules, ...next.correlations].map(({ id }) => id));
  const lost = new Set([...current.rules, ...current.correlations].filter(({ id }) => !ids.has(id)).map(({ file }) => file));
  return next.refused.filter(({ file }) => lost.has(file)).flatMap(({ problems }) => problems.map(formatProblem));
}

/** Whether two loads read the same. */
export function sameFiles(a: readonly RuleFile[], b: readonly RuleFile[]): boolean {
  return a.length === b.length && a.every(({ file, text }, i) => file === b[i]!.file && text === b[i]!.text);
}

/** How many documents were skipped, by reason, the most frequent reasons first. */
export function skippedByReason({ skipped }: RuleSet, most = 10): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { reason } of skipped) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const sorted = [...counts].toSorted((a, b) => b[1] - a[1]);
  const rest = sorted.slice(most).reduce((sum, [, count]) => sum + count, 0);
  return Object.fromEntries([...sorted.slice(0, most), ...(rest === 0 ? [] : [['other reasons', rest] as const])]);
}
