// AVA's configuration, read from package.json as always, plus an observer that
// tells `npm test` over its channel what ran: AVA's exit code alone cannot say
// how many tests were skipped, and for which reason.
import type { Event, ObservedRun } from 'ava/internal';

import packageJson from '../package.json' with { type: 'json' };
import type { RunReport } from './ava-run.ts';
import { messageOf } from './progress.ts';

type Stats = Extract<Event, { type: 'stats' }>['stats'];

async function observe({ events }: ObservedRun): Promise<void> {
  const skipped: string[] = [];
  const brokenFiles = new Set<string>();
  for await (const event of events) {
    if (event.type === 'selected-test' && (event.skip || event.todo)) skipped.push(event.title);
    // The published type leaves out this event's file.
    if (event.type === 'worker-failed' && 'testFile' in event) brokenFiles.add(String(event.testFile));
    // Told each time, so that an interrupted run counts as far as it came.
    if (event.type === 'stats') process.send?.(report(event.stats, skipped, brokenFiles));
  }
}

function report(stats: Stats, skipped: readonly string[], brokenFiles: ReadonlySet<string>): RunReport {
  let failed = stats.sharedWorkerErrors;
  for (const [file, counts] of stats.byFile) {
    // A test that was selected and never finished has failed, whatever ended its file.
    const failures =
      counts.failedTests +
      counts.failedHooks +
      counts.remainingTests +
      counts.uncaughtExceptions +
      counts.unhandledRejections +
      counts.internalErrors;
    const broken = brokenFiles.has(file) || counts.declaredTests === 0;
    failed += failures === 0 && broken ? 1 : failures;
  }
  if (failed === 0 && stats.timeouts + stats.internalErrors > 0) failed = 1;
  return { passed: stats.passedTests + stats.passedKnownFailingTests, failed, skipped };
}

// Whoever observed is gone: end as for Ctrl-C, test processes included.
process.on('disconnect', () => process.kill(process.pid, 'SIGINT'));
// Listening must not keep AVA from ending.
process.channel?.unref();

export default {
  ...packageJson.ava,
  nonSemVerExperiments: { observeRunsFromConfig: true },
  observeRun: (run: ObservedRun): void => {
    observe(run).catch((error: unknown) => {
      process.stderr.write(`The observer of this test run failed: ${messageOf(error)}\n`);
      process.exitCode = 1;
    });
  },
};
