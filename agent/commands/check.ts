import { formatProblem, type Problem } from '../problem.ts';
import type { Config } from '../config/schema.ts';
import type { RulesReport } from '../detection/check-rules.ts';
import { checkConfig } from '../doctor/check-config.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { askHelper } from '../source/ask-helper.ts';
import type { Trust } from '../source/connect.ts';
import { neutralise } from '../terminal-text.ts';
import { shownJson } from './print.ts';

/**
 * `probes-agent check`: validates exactly as `run` does, runs the tests in the rules and reports every problem. Changes nothing.
 * Stricter than `run` in one way: a rule that is refused or fails a test is a problem here, while `run` starts without it.
 */
export async function check(file: string, json: boolean, trust: Trust): Promise<ExitCode> {
  const { loaded, problems, rules: report, warnings: found } = await checkConfig(file);
  const warnings = [...found];
  const helper = loaded.ok ? await askHelper(loaded.config.source.socket, trust) : undefined;
  // The configuration may be right all the same.
  if (typeof helper === 'string') warnings.push(`source.socket: no events would arrive now: ${helper}`);
  const tells = typeof helper === 'object' && helper.env !== undefined;
  const notes = tells ? [] : notesOn(report?.reads_environment ?? 0);
  const ok = problems.length === 0;
  if (json) printJson(ok, file, problems, warnings, notes, report);
  else if (loaded.ok) printText(ok, file, loaded.config, problems, warnings, notes, report);
  else printProblems(problems);
  return ok ? EXIT.OK : EXIT.CONFIG;
}

/** Facts that a user may not expect and that are no fault. */
function notesOn(rules: number): string[] {
  if (rules === 0) return [];
  const who = rules === 1 ? '1 rule reads' : `${rules} rules read`;
  return [
    `${who} variables of the environment, which events have only where the helper tells them: probes-helper run --env NAME,…`,
  ];
}

function printJson(
  ok: boolean,
  file: string,
  problems: readonly Problem[],
  warnings: readonly string[],
  notes: readonly string[],
  report: RulesReport | undefined,
): void {
  const { problems: _, warnings: __, ...rules } = report ?? {};
  process.stdout.write(
    `${shownJson(JSON.stringify({ ok, file, problems, warnings, notes, ...(report === undefined ? {} : { rules }) }, null, 2))}\n`,
  );
}

function printText(
  ok: boolean,
  file: string,
  { outputs, filters, store }: Config,
  problems: readonly Problem[],
  warnings: readonly string[],
  notes: readonly string[],
  report: RulesReport | undefined,
): void {
  for (const warning of warnings) process.stderr.write(`${neutralise(`warning: ${warning}`)}\n`);
  if (!ok) printProblems(problems);
  const lines = [
    `${file}: ${ok ? 'good' : 'the file is good, what it names is not'}. Outputs: ${outputs.map(({ name, type }) => `${name} (${type})`).join(', ')}`,
  ];
  if (store !== undefined) lines.push(`Store: ${store.folder}`);
  if (filters.length > 0) lines.push(`Filters: ${filters.map(({ name, action }) => `${name} (${action})`).join(', ')}`);
  if (report !== undefined) {
    const { loaded, correlations, global_filters: global, refused, skipped, tests } = report;
    const skips = Object.entries(skipped).map(([reason, count]) => `\n  ${count} skipped: ${reason}`);
    lines.push(
      `Rules: ${loaded} loaded, ${correlations} correlations, ${global} global filters, ${refused} refused${skips.join('')}`,
    );
    lines.push(`Tests of rules: ${tests.passed} passed, ${tests.failed} failed`);
  }
  lines.push(...notes.map((note) => `Note: ${note}`));
  (ok ? process.stdout : process.stderr).write(`${lines.join('\n')}\n`);
}

function printProblems(problems: readonly Problem[]): void {
  for (const problem of problems) process.stderr.write(`${neutralise(formatProblem(problem))}\n`);
  process.stderr.write(`${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}\n`);
}
