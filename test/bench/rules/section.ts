import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { RulesFigures } from './bench.ts';

/** What the rules bench measured; or why it could not. */
export type RulesResult = { readonly figures: readonly RulesFigures[] } | { readonly missing: string };

/** Runs the rules bench in a process of its own: its memory and its compiled code are then its own. */
export function measureRules(): RulesResult {
  const program = fileURLToPath(new URL('./bench.ts', import.meta.url));
  const { status, stdout } = spawnSync(process.execPath, [program, '--json'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`the rules bench ended with status ${status}`);
  return JSON.parse(stdout) as RulesResult;
}

const HEADING = '## Rules';
const number = (value: number): string => value.toLocaleString('en');

/** The section of docs/benchmarks.md. */
export function rulesSection(result: RulesResult): string {
  if ('missing' in result) return `${HEADING}\n\nNot measured: ${result.missing}\n`;
  const rows = result.figures.map(
    ({ platform, rules, eventsPerSecond, parseOnlyPerSecond, closuresPerSecond, ratio, loadCpuMs, residentMb }) =>
      `| ${platform} | ${number(rules)} | ${number(eventsPerSecond)} | ${number(parseOnlyPerSecond)} | ${number(closuresPerSecond)} | **${ratio}** | ${loadCpuMs} ms | ${residentMb} MB |`,
  );
  return `${HEADING}

All of SigmaHQ's rules for process creation on recorded events, on one core, JSON parsing included. \`npm run bench -- --only rules\` measures this alone. An engine of
plain closures, which asks every rule about every event, takes turns with ours in the same run; both must find the same. Events are those of a CPU second, medians of seven turns.

| platform | rules | events/s | parsing alone | closures | times as fast | load | memory |
|---|---|---|---|---|---|---|---|
${rows.join('\n')}

Load: processor time for reading the texts, compiling and building the index. Memory: what the process grew by.
`;
}

/** A page with this section in place of the one it has, or before its last. */
export function withRulesSection(page: string, section: string): string {
  const start = page.indexOf(`\n${HEADING}\n`);
  const at = start === -1 ? page.lastIndexOf('\n## ') : start;
  const end = start === -1 ? at : page.indexOf('\n## ', start + 1);
  return `${page.slice(0, at + 1)}${section}${end === -1 ? '' : page.slice(end)}`;
}
