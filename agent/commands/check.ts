import { loadConfig } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

/** `probes-agent check`: validates exactly as `run` does, says everything that is wrong, and changes nothing. */
export function check(file: string, json: boolean): ExitCode {
  const result = loadConfig(file);
  const problems = result.ok ? [] : result.problems;
  if (json) {
    process.stdout.write(`${JSON.stringify({ ok: result.ok, file, problems }, null, 2)}\n`);
  } else if (result.ok) {
    const outputs = result.config.outputs.map(({ name, type }) => `${name} (${type})`).join(', ');
    process.stdout.write(`${file}: good. Outputs: ${outputs}\n`);
  } else {
    for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
    process.stderr.write(`${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}\n`);
  }
  return result.ok ? EXIT.OK : EXIT.CONFIG;
}
