import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import { inCheckout, ROOT } from './root-folder.ts';

/** What one run of AVA came to. */
export interface RunReport {
  readonly passed: number;
  readonly failed: number;
  /** Titles of the tests that did not run. */
  readonly skipped: readonly string[];
}

/**
 * How long a run may say nothing. AVA has a limit of its own, the "timeout" of
 * package.json, but forgets it once it passed while a test with t.timeout() ran.
 */
const SILENCE_SECONDS = 360;
/** The same where single tests take many minutes. */
const ENDURANCE_SILENCE_SECONDS = 1800;

/** How long AVA may take to end when it is interrupted. */
const ENDING_SECONDS = 20;

/** Lines AVA prints because it is being observed; of no use to whoever reads the report. */
const NOTICES = [/Using configuration from .*ava-observed\.ts$/u, /Experiments are enabled\./u];

/**
 * Runs AVA on the given files, its report going to our standard output.
 * A run that ends badly without naming a failed test counts as one failure.
 */
export async function runAva(files: readonly string[], options: readonly string[]): Promise<RunReport> {
  const colour = process.stdout.isTTY && !process.env['NO_COLOR'] ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' };
  const child = spawn(
    process.execPath,
    [
      inCheckout('node_modules/ava/entrypoints/cli.js'),
      '--config',
      inCheckout('scripts/ava-observed.ts'),
      ...options,
      ...files,
    ],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit', 'ipc'], env: { ...process.env, ...colour } },
  );
  const { stdout } = child;
  if (stdout === null) throw new Error('AVA was started without a pipe for its report');
  let force: NodeJS.Timeout | undefined;
  const seconds = files.some((file) => file.includes('endurance')) ? ENDURANCE_SILENCE_SECONDS : SILENCE_SECONDS;
  const silence = setTimeout(() => {
    process.stdout.write(`No test has ended for ${seconds} seconds; the run is interrupted.\n`);
    child.kill('SIGINT');
    force = setTimeout(() => child.kill('SIGKILL'), ENDING_SECONDS * 1000);
  }, seconds * 1000);
  let report: RunReport | undefined;
  child.on('message', (message) => {
    report = message as RunReport;
  });
  const printed = (async () => {
    for await (const line of createInterface({ input: stdout })) {
      silence.refresh();
      if (!NOTICES.some((notice) => notice.test(line))) process.stdout.write(`${line}\n`);
    }
  })();
  const ending = await new Promise<string | undefined>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code === 0 ? undefined : (signal ?? `exit code ${code}`)));
  });
  await printed;
  clearTimeout(silence);
  clearTimeout(force);

  if (report === undefined) {
    process.stdout.write(`AVA ended (${ending ?? 'exit code 0'}) without a report.\n`);
    return { passed: 0, failed: 1, skipped: [] };
  }
  return ending !== undefined && report.failed === 0 ? { ...report, failed: 1 } : report;
}
