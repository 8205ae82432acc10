import { basename, resolve } from 'node:path';
import type { CorrelationRule } from '../rules/correlate/resolve.ts';
import { formatRefused, type Rule, type RuleSet } from '../rules/load.ts';
import { suggest } from '../values/suggest.ts';
import { explained } from './skipped-rules.ts';

/** Names that a message offers in place of an unknown one. */
const MAX_SUGGESTIONS = 5;

/** The rules that somebody named, in the order of the set. */
export interface ChosenRules {
  readonly rules: readonly Rule[];
  readonly correlations: readonly CorrelationRule[];
}

/** No rule in use has the name. The message says why, and what to do. */
export class UnknownRuleError extends Error {
  override readonly name = 'UnknownRuleError';
}

type Named = { readonly id?: string; readonly title: string; readonly name?: string; readonly file: string };

/** Whether somebody who names a file means this one: by its path, or by its name alone. */
export function isFileOf(file: string, wanted: string): boolean {
  return basename(file) === wanted || resolve(file) === resolve(wanted);
}

/**
 * Finds rules by id, title, name or file. Case does not matter, except in the path of a file.
 * @throws {UnknownRuleError} when there is none in use
 */
export function choose(wanted: string, set: RuleSet): ChosenRules {
  const isMeant = ({ id, title, name, file }: Named): boolean =>
    [id, title, name].some((own) => own?.toLowerCase() === wanted.toLowerCase()) || isFileOf(file, wanted);
  const correlations = set.correlations.filter(isMeant);
  // A file can hold a correlation and the rules that do nothing but feed it: explaining it explains them.
  const rules = set.rules.filter((rule) => isMeant(rule) && (rule.reports || correlations.length === 0));
  if (rules.length + correlations.length > 0) return { rules, correlations };
  throw new UnknownRuleError(reasonWhyNot(wanted, isMeant, set));
}

function reasonWhyNot(wanted: string, isMeant: (named: Named) => boolean, set: RuleSet): string {
  const refused = set.refused.filter(isMeant);
  if (refused.length > 0) return [`"${wanted}" has a mistake:`, ...formatRefused(refused)].join('\n');
  const skipped = set.skipped.find(isMeant);
  if (skipped !== undefined) {
    const { reason, remedy } = explained(skipped);
    return `"${wanted}" is skipped: ${reason}${remedy === undefined ? '' : `; add ${remedy}`}`;
  }
  const meant = suggestions(wanted, [...set.rules, ...set.correlations]);
  const hint = meant.length === 0 ? '' : `; did you mean ${meant.map((name) => `"${name}"`).join(', ')}?`;
  return `none of ${set.rules.length + set.correlations.length} rules has the id, title or file "${wanted}"${hint}`;
}

/** Titles that hold the words; else the name that is a slip of the hand away. */
function suggestions(wanted: string, all: readonly Named[]): string[] {
  const words = wanted.toLowerCase().split(/\s+/u);
  const holding = all.map(({ title }) => title).filter((title) => words.every((w) => title.toLowerCase().includes(w)));
  if (holding.length > 0) return [...new Set(holding)].slice(0, MAX_SUGGESTIONS);
  const near = suggest(
    wanted,
    all.flatMap(({ id, title, name, file }) => [id, title, name, basename(file)].filter((one) => one !== undefined)),
  );
  return near === undefined ? [] : [near];
}
