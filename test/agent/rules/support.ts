import { Engine, type SigmaEvent } from '../../../agent/rules/engine.ts';
import { formatProblem } from '../../../agent/problem.ts';
import { formatRefused, loadRules, type LoadOptions, type RuleSet } from '../../../agent/rules/load.ts';

export const PROCESSES: LoadOptions = { logsource: { category: 'process_creation', product: 'linux' } };

/** A rule with this detection, as text. */
export function ruleText(detection: string, head = ''): string {
  const indented = detection
    .trim()
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
  return `title: Test\n${head}logsource:\n    category: process_creation\ndetection:\n${indented}\n`;
}

export function load(text: string, options: Partial<LoadOptions> = {}): RuleSet {
  return loadRules([{ file: 'test.yml', text }], { ...PROCESSES, ...options });
}

/** Whether a rule with this detection matches; throws when it is refused. */
export function matches(detection: string, event: SigmaEvent, options: Partial<LoadOptions> = {}): boolean {
  const set = load(ruleText(detection), options);
  if (set.refused.length > 0) throw new Error(formatRefused(set.refused).join('\n'));
  return new Engine(set.rules.map((rule) => rule.expression)).match(event).length > 0;
}

/** The same for one item: `Image|endswith: /sh`. */
export const item = (line: string, event: SigmaEvent, options: Partial<LoadOptions> = {}): boolean =>
  matches(`selection:\n    ${line}\ncondition: selection`, event, options);

export const refusals = (text: string, options: Partial<LoadOptions> = {}): string[] =>
  formatRefused(load(text, options).refused);
export const warnings = (text: string): string[] => load(text).warnings.map(formatProblem);
