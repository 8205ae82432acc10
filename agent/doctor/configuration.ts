import { formatProblem } from '../problem.ts';
import type { AgentStatus } from '../client/status.ts';
import type { ConfigReport } from './check-config.ts';
import { findingsOf, type Finding } from './finding.ts';

/** More of a kind are counted. */
const MOST_SHOWN = 10;

/** The configuration and its rules, as `check` finds them. @param status of the agent that runs, if one does */
export function checkConfiguration(file: string, report: ConfigReport, status: AgentStatus | undefined): Finding[] {
  const { loaded, problems, warnings, rules } = report;
  const config = findingsOf('configuration');
  const findings: Finding[] = [
    ...some(
      problems.map((problem) => config.problem(formatProblem(problem))),
      config.problem,
    ),
    ...some(
      warnings.map((text) => config.warning(text)),
      config.warning,
    ),
  ];
  if (!loaded.ok) return findings;
  const names = loaded.config.outputs.map(({ name, type }) => `${name} (${type})`).join(', ');
  if (problems.length === 0) findings.unshift(config.ok(`${file}: good. Outputs: ${names}`));
  const running = status?.agent.config;
  if (running?.sha256 !== undefined && running.file === file && running.sha256 !== loaded.sha256)
    findings.push(
      config.warning('the agent runs with an earlier version of this file', 'reload it: send the agent SIGHUP'),
    );
  const found = findingsOf('rules');
  if (rules === undefined) return [...findings, found.ok('none are configured')];
  const { loaded: count, refused, tests } = rules;
  const says = `${count} loaded, ${refused} refused; tests in them: ${tests.passed} passed, ${tests.failed} failed`;
  return [
    ...findings,
    refused + tests.failed === 0 ? found.ok(says) : found.problem(says, 'probes-agent check names each, and why'),
  ];
}

function some(findings: readonly Finding[], make: (says: string) => Finding): Finding[] {
  const rest = findings.length - MOST_SHOWN;
  return rest <= 0
    ? [...findings]
    : [...findings.slice(0, MOST_SHOWN), make(`and ${rest} more; probes-agent check names all`)];
}
