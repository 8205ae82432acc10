import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

import { ROOT } from '../../installers/tools/root-folder.ts';
import { TapReader } from './tap.ts';
import type { Tally } from './tally.ts';

/** Which tests to run, and how. */
export interface AvaRun {
  /** Test files, relative to the checkout. */
  readonly files: readonly string[];
  /** AVA's patterns for titles; "!" leaves out. */
  readonly match?: readonly string[];
  /** One file after the other. */
  readonly serial?: boolean;
  /** No test after the first that fails. */
  readonly failFast?: boolean;
  /**
   * How long no test may end before AVA ends the run and names the tests that hang. A test that calls t.timeout() has
   * a limit of its own. Without it, the limit of package.json.
   */
  readonly timeoutSeconds?: number;
}

/**
 * How long AVA may report nothing. Its own limit comes first, but AVA forgets it once it has passed while a test with
 * t.timeout() ran.
 */
const SILENCE_SECONDS = 360;

/** How long AVA may take to end when it is interrupted. */
const ENDING_SECONDS = 20;

/** How much of what AVA prints besides its report is kept for when it ends without one. */
const KEPT_CHARACTERS = 4000;

/** The arguments of Node.js for a run of AVA that prints a TAP report. The folder has to be the checkout. */
export function avaArguments({
  files,
  match = [],
  serial = false,
  failFast = false,
  timeoutSeconds,
}: AvaRun): string[] {
  return [
    'node_modules/ava/entrypoints/cli.js',
    '--config',
    'test/run/ava.config.ts',
    '--tap',
    ...(serial ? ['--concurrency', '1'] : []),
    ...(failFast ? ['--fail-fast'] : []),
    ...(timeoutSeconds === undefined ? [] : ['--timeout', `${timeoutSeconds}s`]),
    ...match.flatMap((pattern) => ['--match', pattern]),
    ...files,
  ];
}

/**
 * Runs AVA and adds each outcome to a tally. A run that ends badly without naming a failed test adds one failure.
 * @param silentSeconds how long AVA may report nothing before the run is interrupted
 * @throws {Error} after AVA has ended, when a signal interrupted the run
 */
export async function runAva(run: AvaRun, tally: Tally, silentSeconds = SILENCE_SECONDS): Promise<void> {
  const before = tally.failures;
  let [printed, outcomes] = ['', 0];
  const tap = new TapReader((outcome) => {
    outcomes++;
    tally.add(outcome);
  });
  const child = spawn(process.execPath, avaArguments(run), {
    cwd: ROOT,
    // Through the last one AVA learns that we are gone: see ava.config.ts.
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  let force: NodeJS.Timeout | undefined;
  const interrupt = (): void => {
    child.kill('SIGINT');
    force ??= setTimeout(() => child.kill('SIGKILL'), ENDING_SECONDS * 1000);
  };
  const silence = setTimeout(() => {
    tally.fail('the run', `AVA reported nothing for ${silentSeconds} seconds and was interrupted`);
    interrupt();
  }, silentSeconds * 1000);
  let signalled: NodeJS.Signals | undefined;
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const onSignal = (signal: NodeJS.Signals): void => {
    signalled = signal;
    interrupt();
  };
  for (const signal of signals) process.on(signal, onSignal);

  (child.stdout as Readable).setEncoding('utf8').on('data', (text: string) => {
    silence.refresh();
    printed = (printed + text).slice(-KEPT_CHARACTERS);
    tap.push(text);
  });
  const ending = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  clearTimeout(silence);
  clearTimeout(force);
  for (const signal of signals) process.off(signal, onSignal);

  tap.end();
  if (signalled !== undefined) throw new Error(`interrupted by ${signalled}`);
  if (!tap.complete)
    tally.fail('AVA', `it ended in the middle (${ending}). The last that it printed:\n${printed.trim()}`);
  else if (outcomes === 0) tally.fail('AVA', `it ran no test of ${run.files.join(', ')}`);
  else if (ending !== 'exit code 0' && tally.failures === before)
    tally.fail('AVA', `no test failed, and it ended with ${ending}`);
}
