import { parseConfig } from '../../../agent/config/load.ts';
import { formatProblem } from '../../../agent/problem.ts';

/** The problems of a configuration, as `probes-agent check` prints them; none where it is good. */
export function problemsOf(text: string): string[] {
  const result = parseConfig(text, 'agent.yaml');
  return result.ok ? [] : result.problems.map(formatProblem);
}

/** A configuration in which nothing is wrong, to which a test adds. */
export const GOOD = 'outputs: [{ name: a, type: stdout }]\n';
