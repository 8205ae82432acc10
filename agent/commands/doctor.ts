import type { PlaceOptions } from '../client/place.ts';
import { DEFAULT_CONFIG_FILE } from '../config/load.ts';
import { examine } from '../doctor/doctor.ts';
import type { Finding } from '../doctor/finding.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { findingLines } from '../screens/doctor-screen.ts';
import type { Trust } from '../source/connect.ts';
import { paintFor } from '../terminal/paint.ts';
import { shownJson } from './print.ts';

export interface DoctorCommandOptions extends PlaceOptions {
  readonly json: boolean;
}

/** Columns where there is no terminal that says how many it has. */
const COLUMNS = 80;

/** `probes-agent doctor`: walks the way of an event, and says what to do where it breaks. The exit status says whether it does. */
export async function doctor({ config, socket, json }: DoctorCommandOptions, trust: Trust): Promise<ExitCode> {
  const paint = paintFor(process.stdout);
  const findings: Finding[] = [];
  for await (const finding of examine({ file: config ?? DEFAULT_CONFIG_FILE, socket, trust })) {
    findings.push(finding);
    if (json) continue;
    const lines = findingLines(finding, process.stdout.columns || COLUMNS, paint);
    process.stdout.write(lines.map((line) => `${line.trimEnd()}\n`).join(''));
  }
  const countOf = (verdict: Finding['verdict']): number => findings.filter((found) => found.verdict === verdict).length;
  const ok = countOf('problem') === 0;
  if (json) process.stdout.write(`${shownJson(JSON.stringify({ ok, findings }))}\n`);
  else process.stdout.write(`\n${summary(countOf('problem'), countOf('warning'))}\n`);
  return ok ? EXIT.OK : EXIT.UNHEALTHY;
}

function summary(problems: number, warnings: number): string {
  const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;
  return `${count(problems, 'problem')}, ${count(warnings, 'warning')}`;
}
