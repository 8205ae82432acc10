import { formatProblem, type Problem } from '../problem.ts';
import { Detector } from '../rules/detect.ts';
import { fieldsOf, readsEnvironment } from '../rules/fields/known.ts';
import { createMapper } from '../rules/fields/mapper.ts';
import type { Platform } from '../values/platform.ts';
import type { RuleSet } from '../rules/load.ts';
import { runRuleTests } from '../rules/tests.ts';
import type { ExecEvent } from '../../shared/events/exec.ts';
import type { RulesConfig } from './config.ts';
import { RuleFolderError } from './rule-files.ts';
import { loadRuleSet, readRuleFiles, skippedByReason } from './rule-set.ts';
import { suppressionsOf } from './suppression.ts';

/** The report on the rules of a configuration. */
export interface RulesReport {
  readonly loaded: number;
  readonly correlations: number;
  readonly global_filters: number;
  readonly refused: number;
  /** How many rules read variables of the environment. */
  readonly reads_environment: number;
  /** How many documents were skipped, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  readonly tests: { readonly passed: number; readonly failed: number };
  readonly warnings: readonly string[];
  readonly problems: readonly Problem[];
}

/** Loads the rules as `run` does, and runs their tests. */
export function checkRules(
  config: RulesConfig,
  platform: Platform,
  placeOf: (path: readonly PropertyKey[]) => Omit<Problem, 'message'>,
): RulesReport {
  let set: RuleSet;
  let exposed: readonly string[];
  try {
    const read = readRuleFiles(config);
    ({ set } = loadRuleSet(config, platform, read));
    exposed = read.exposed;
  } catch (error) {
    if (!(error instanceof RuleFolderError)) throw error;
    const place = placeOf(['rules', 'folders', config.folders.indexOf(error.folder)]);
    return { ...EMPTY, problems: [{ ...place, message: error.message }] };
  }
  const { passed, failures } = testRules(set, platform);
  return {
    loaded: set.rules.length,
    correlations: set.correlations.length,
    global_filters: set.filters,
    refused: set.refused.length,
    reads_environment: set.rules.filter(({ expression }) => readsEnvironment(fieldsOf(expression))).length,
    skipped: skippedByReason(set),
    tests: { passed, failed: failures.length },
    warnings: [
      ...set.warnings.map(formatProblem),
      ...suppressionsOf(config, set).warnings,
      ...exposed.map((exposure) => `others can change rules: ${exposure}`),
    ],
    problems: [...set.refused.flatMap(({ problems }) => problems), ...failures],
  };
}

const EMPTY = {
  loaded: 0,
  correlations: 0,
  global_filters: 0,
  refused: 0,
  reads_environment: 0,
  skipped: {},
  tests: { passed: 0, failed: 0 },
  warnings: [],
} as const;

function testRules(set: RuleSet, platform: Platform): { passed: number; failures: Problem[] } {
  const toSigma = createMapper({ platform, fields: new Detector(set).fields });
  const results = runRuleTests(set, (event) => toSigma(event as unknown as ExecEvent));
  const failures = results
    .filter(({ passed }) => !passed)
    .map(({ title, file, line, column, path, expected }): Problem => ({
      file,
      line,
      column,
      path,
      message: `expected ${expected === 'match' ? 'a match, and there is none' : 'no match, and there is one'}: rule "${title}"`,
    }));
  return { passed: results.length - failures.length, failures };
}
