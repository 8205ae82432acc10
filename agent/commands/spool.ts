import { loadConfig } from '../config/load.ts';
import { inspectSpool, type OutputReport, type SegmentReport, type SpoolReport } from '../delivery/spool/inspect.ts';
import { reasonOf } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { formatProblem } from '../problem.ts';
import { neutralise } from '../terminal-text.ts';
import { shownJson } from './print.ts';

export interface SpoolCommandOptions {
  readonly action: 'show' | 'verify';
  readonly config: string;
  readonly json: boolean;
}

/** `probes-agent spool`: shows the spool's contents and each output's position; `verify` reads every byte. Changes nothing. */
export async function spool({ action, config: file, json }: SpoolCommandOptions): Promise<ExitCode> {
  const loaded = loadConfig(file);
  if (!loaded.ok) {
    for (const problem of loaded.problems) complain(formatProblem(problem));
    return EXIT.CONFIG;
  }
  const { spool: config } = loaded.config;
  if (config === undefined) {
    complain(`${file}: it has no "spool"`);
    return EXIT.CONFIG;
  }
  try {
    const report = await inspectSpool(config.folder, action === 'verify');
    process.stdout.write(json ? `${shownJson(JSON.stringify(report, null, 2))}\n` : textOf(report));
    return isDamaged(report) ? EXIT.SPOOL : EXIT.OK;
  } catch (error) {
    complain(`spool ${config.folder}: ${reasonOf(error)}`);
    return EXIT.SPOOL;
  }
}

function isDamaged({ segments, problem, outputs, in_use }: SpoolReport): boolean {
  const last = segments.at(-1);
  // A running agent may be in the middle of a write to the last segment.
  const isBad = (segment: SegmentReport): boolean => segment.damages.length > (in_use && segment === last ? 1 : 0);
  return problem !== undefined || segments.some(isBad) || outputs.some((output) => output.problem !== undefined);
}

function textOf(report: SpoolReport): string {
  const { folder, in_use: inUse, bytes, oldest, newest, segments, outputs, problem } = report;
  const lines = [
    `${folder}: ${inUse ? 'in use' : 'not in use'}, ${segments.length} segments, ${bytes} bytes`,
    ...(problem === undefined ? [] : [`  damaged: ${problem}`]),
    `Numbers: ${nameOf(oldest)} to ${nameOf(newest)}`,
    ...segments.flatMap(segmentLines),
    ...outputs.map(outputLine),
  ];
  return lines.map((line) => `${neutralise(line)}\n`).join('');
}

function segmentLines({ file, bytes, first, last, records, damages }: SegmentReport): string[] {
  const end = last === undefined ? '' : ` to ${nameOf(last)}`;
  const count = records === undefined ? '' : `, ${records} records`;
  return [
    `  ${file}: ${bytes} bytes, from ${nameOf(first)}${end}${count}`,
    ...damages.map(({ offset, bytes: size, reason }) => `    damaged: ${size} bytes from byte ${offset} on: ${reason}`),
  ];
}

function outputLine({ name, delivered, lag_records: records, lag_bytes: bytes, problem }: OutputReport): string {
  if (problem !== undefined) return `Output ${name}: its place cannot be used: ${problem}`;
  return `Output ${name}: delivered up to ${nameOf(delivered)}, ${records ?? 0} records (${bytes ?? 0} bytes) behind`;
}

function nameOf(number: { boot_id: string | undefined; number: number } | undefined): string {
  return number === undefined ? 'none' : `${number.number} of boot ${number.boot_id ?? 'unknown'}`;
}

function complain(text: string): void {
  process.stderr.write(`${neutralise(text)}\n`);
}
