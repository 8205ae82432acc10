import type { RulesFigures } from './bench.ts';

/** The measurements of the rules bench; or why there are none. */
export type RulesResult = { readonly figures: readonly RulesFigures[] } | { readonly missing: string };

export const RULES_HEADING = '## Rules';
const number = (value: number): string => value.toLocaleString('en');

/** The section of docs/benchmarks.md. */
export function rulesSection(result: RulesResult): string {
  if ('missing' in result) return `${RULES_HEADING}\n\nNot measured: ${result.missing}\n`;
  const rows = result.figures.map(
    ({ platform, rules, eventsPerSecond, parseOnlyPerSecond, closuresPerSecond, ratio, loadCpuMs, residentMb }) =>
      `| ${platform} | ${number(rules)} | ${number(eventsPerSecond)} | ${number(parseOnlyPerSecond)} | ${number(closuresPerSecond)} | **${ratio}** | ${loadCpuMs} ms | ${residentMb} MB |`,
  );
  return `${RULES_HEADING}

All of SigmaHQ's rules for process creation on recorded events, on one core, JSON parsing included. \`npm run bench -- --only rules\` measures this alone. An engine of
plain closures, which asks every rule about every event, takes turns with ours in the same run; both must find the same. Events are those of a CPU second, medians of seven turns.

| platform | rules | events/s | parsing alone | closures | times as fast | load | memory |
|---|---|---|---|---|---|---|---|
${rows.join('\n')}

Load: processor time for reading the texts, compiling and building the index. Memory: what the process grew by.

rsigma, the nearest engine of others, is not measured: Debian has no package of it, and its crates only in other versions.
`;
}
