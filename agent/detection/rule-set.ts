import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Platform } from '../values/platform.ts';
import { formatProblem } from '../problem.ts';
import { loadRules, type RuleFile, type RuleSet } from '../rules/load.ts';
import { BUILTIN_RULES } from './builtin-rules.ts';
import type { RulesConfig } from './config.ts';
import { mostOf } from './counters.ts';
import { readRuleFolders, type RuleFolders } from './rule-files.ts';

/** The rules of a configuration, as read. */
export interface LoadedRules extends RuleFolders {
  readonly set: RuleSet;
}

const IS_BUILTIN: ReadonlySet<string> = new Set(BUILTIN_RULES.map(({ file }) => file));

/**
 * Reads the files that a configuration asks for.
 * @throws {RuleFolderError} when a folder cannot be read
 */
export function readRuleFiles({ builtin, folders }: RulesConfig): RuleFolders {
  const own = readRuleFolders(folders);
  return builtin ? { ...own, files: [...own.files, ...BUILTIN_RULES] } : own;
}

/** Loads the rules that were read. Faulty rules go to the set's `refused`; the others still load. */
export function loadRuleSet(config: RulesConfig, platform: Platform, read: RuleFolders): LoadedRules {
  const { files, faults } = read;
  const set = loadRules(files, {
    logsource: { category: 'process_creation', product: platform },
    minLevel: config.min_level,
    placeholders: new Map(Object.entries(config.placeholders)),
  });
  const unread = faults.map((fault) => ({ file: fault.file, title: '', problems: [fault] }));
  // Starter rules have no mistakes. A refused one shares its id or name with a rule of the user, which replaces it.
  const replaced = set.refused
    .filter(({ file }) => IS_BUILTIN.has(file))
    .map(({ file, title }) => ({ file, title, reason: 'replaced by a rule with its id or name' }));
  const refused = [...unread, ...set.refused.filter(({ file }) => !IS_BUILTIN.has(file))];
  return { ...read, set: { ...set, refused, skipped: [...set.skipped, ...replaced] } };
}

/**
 * Finds rules in force that a mistake would remove: something in their file is now refused.
 * @returns one line for each reason; empty when no rule is lost
 */
export function lostTo(next: RuleSet, current: RuleSet): string[] {
  const ids = new Set([...next.rules, ...next.correlations].map(({ id }) => id));
  const lost = new Set(
    [...current.rules, ...current.correlations].filter(({ id }) => !ids.has(id)).map(({ file }) => file),
  );
  return next.refused.filter(({ file }) => lost.has(file)).flatMap(({ problems }) => problems.map(formatProblem));
}

/** Whether two loads read the same files. */
export function sameFiles(a: readonly RuleFile[], b: readonly RuleFile[]): boolean {
  return a.length === b.length && a.every(({ file, text }, i) => file === b[i]!.file && text === b[i]!.text);
}

/** Whether two reads found the same wrong with files beside those: unreadable ones, and who could change them. */
export function sameFindings(a: RuleFolders, b: RuleFolders): boolean {
  return isDeepStrictEqual([a.faults, a.exposed], [b.faults, b.exposed]);
}

/** SHA-256 over the rule files, their names and texts, in the order in which they are read. */
export function sha256Of(files: readonly RuleFile[]): string {
  const digest = createHash('sha256');
  for (const { file, text } of files) digest.update(JSON.stringify([file, text]));
  return digest.digest('hex');
}

/** How many documents were skipped, by reason, the most frequent reasons first. */
export function skippedByReason({ skipped }: RuleSet): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { reason } of skipped) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return mostOf(counts);
}
