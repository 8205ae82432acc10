import { resolve } from 'node:path';
import { loadConfig, type LoadedConfig, type LoadResult } from '../config/load.ts';
import { checkSpool } from '../delivery/spool/check.ts';
import { checkRules, type RulesReport } from '../detection/check-rules.ts';
import { reasonOf } from '../errors.ts';
import { exposureOf } from '../files/exposed.ts';
import { weaknessOf, type OutputConfig } from '../outputs/kinds.ts';
import type { Problem } from '../problem.ts';
import { doubtfulFilters } from '../rules/filter.ts';
import { groupId } from '../values/groups.ts';
import { hostPlatform } from '../values/platform.ts';

/** Everything that is found in a configuration file, and in the files that it names. */
export interface ConfigReport {
  readonly loaded: LoadResult;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
  /** Where there are rules. */
  readonly rules: RulesReport | undefined;
}

/** Validates exactly as `run` does, and runs the tests in the rules. Changes nothing. */
export async function checkConfig(file: string): Promise<ConfigReport> {
  const loaded = loadConfig(file);
  const rules =
    loaded.ok && loaded.config.rules !== undefined
      ? checkRules(loaded.config.rules, hostPlatform(), loaded.placeOf)
      : undefined;
  const spool = loaded.ok ? await checkSpool(loaded.config) : { problems: [], warnings: [] };
  const problems = loaded.ok
    ? [
        ...spool.problems.map((message) => ({ ...loaded.placeOf(['spool', 'folder']), message })),
        ...(rules?.problems ?? []),
        ...groupProblems(loaded),
      ]
    : loaded.problems;
  const warnings = [
    ...(loaded.ok ? doubtfulFilters(loaded.config.filters) : []),
    ...spool.warnings,
    ...(loaded.ok ? weaknesses(loaded.config.outputs) : []),
    ...(rules?.warnings ?? []),
  ];
  const exposure = exposureOf(resolve(file));
  if (exposure !== undefined) warnings.push(`others can change the configuration: ${exposure}`);
  return { loaded, problems, warnings, rules };
}

function weaknesses(outputs: readonly OutputConfig[]): string[] {
  return outputs.flatMap((output) => {
    const weakness = weaknessOf(output);
    return weakness === undefined ? [] : [`output "${output.name}": ${weakness}`];
  });
}

/** `run` refuses a group that this machine does not have. */
function groupProblems({ config, placeOf }: LoadedConfig): Problem[] {
  const group = config.control?.group;
  if (group === undefined) return [];
  try {
    groupId(group);
    return [];
  } catch (error) {
    return [{ ...placeOf(['control', 'group']), message: reasonOf(error) }];
  }
}
