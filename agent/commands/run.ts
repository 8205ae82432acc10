import { Agent } from '../agent.ts';
import { DEFAULT_CONFIG_FILE, loadConfig, type LoadedConfig } from '../config/load.ts';
import { formatProblem, type Problem } from '../problem.ts';
import { RulesError } from '../detection/detection.ts';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import type { DestinationStream } from 'pino';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { createLog } from '../log.ts';
import { OpenError } from '../delivery/open-error.ts';
import type { Trust } from '../source/connect.ts';
import { eventLogDestination, runAsService } from '../windows/service.ts';
import { VERSION } from '../../shared/version.ts';

export interface RunOptions {
  /** As given with --config; undefined for the default file. */
  file: string | undefined;
  /** Who must own the helper's socket. */
  trust: Trust;
  /** Windows: whether the service manager started this process. */
  service: boolean;
}

/** Where requests to stop and to read the configuration again come from. */
interface Requests {
  onStop(stop: () => void): void;
  onReload(reload: () => void): void;
}

/** `probes-agent run`: runs until a signal or the service manager ends it, and resolves with the status to exit with. */
export async function run(options: RunOptions): Promise<ExitCode> {
  if (process.platform === 'win32' && options.service) {
    return (await runAsService((requests, running) =>
      runUntilStopped(options, requests, running, eventLogDestination()),
    )) as ExitCode;
  }
  return runUntilStopped(options, SIGNALS, () => undefined);
}

/** @param onRunning called when all is open; @param logTo where the agent's own log goes, when not to standard error */
async function runUntilStopped(
  { file = DEFAULT_CONFIG_FILE, trust }: RunOptions,
  requests: Requests,
  onRunning: () => void,
  logTo?: DestinationStream,
): Promise<ExitCode> {
  if (file === DEFAULT_CONFIG_FILE && !existsSync(file)) {
    complain(
      logTo,
      `CONFIG_NOT_FOUND: there is no ${DEFAULT_CONFIG_FILE}. Copy agent.example.yaml there, or name a file: probes-agent run --config FILE\n`,
    );
    return EXIT.CONFIG;
  }
  const loaded = loadConfig(file);
  if (!loaded.ok) {
    printProblems(loaded.problems, logTo);
    return EXIT.CONFIG;
  }
  const log = logTo === undefined ? createLog(loaded.config.log.level) : createLog(loaded.config.log.level, logTo);
  const stopping = Promise.withResolvers<void>();
  const agent = new Agent({ config: loaded.config, log, trust, onReaderGone: stopping.resolve });
  const { telemetry } = agent;
  telemetry.raise('AgentStarted', { version: VERSION, config: file, uid: process.getuid?.() });
  if (process.getuid?.() === 0) telemetry.raise('AgentRunsAsRoot');

  let busy: Promise<void> = agent.start();
  requests.onReload(() => {
    // One after the other: a second reload that overtook the first would leave a mix of both.
    busy = busy.then(() => reload(agent, file));
  });
  requests.onStop(stopping.resolve);

  try {
    await busy;
  } catch (error) {
    if (error instanceof RulesError) {
      printProblems(problemsOf(error, loaded), logTo);
      return EXIT.CONFIG;
    }
    if (!(error instanceof OpenError)) throw error;
    for (const reason of error.reasons) complain(logTo, `OUTPUT_FAILED: ${reason}\n`);
    return EXIT.OUTPUT;
  }
  onRunning();
  await stopping.promise;
  telemetry.raise('AgentStopping');
  await busy;
  const unwritten = await agent.stop();
  telemetry.raise('AgentStopped');
  return unwritten === 0 ? EXIT.OK : EXIT.UNFLUSHED;
}

async function reload(agent: Agent, file: string): Promise<void> {
  const loaded = loadConfig(file);
  if (!loaded.ok) {
    agent.telemetry.raise('ConfigRefused', { problems: loaded.problems.map(formatProblem) });
    return;
  }
  try {
    await agent.reload(loaded.config);
    agent.telemetry.raise('ConfigReloaded', { config: file });
  } catch (error) {
    if (error instanceof RulesError)
      agent.telemetry.raise('ConfigRefused', { problems: problemsOf(error, loaded).map(formatProblem) });
    else if (error instanceof OpenError) agent.telemetry.raise('ConfigRefused', { problems: error.reasons });
    else throw error;
  }
}

/** What rules are refused for, at the place of the configuration that asks for them. */
function problemsOf({ reasons, folder }: RulesError, { config, placeOf }: LoadedConfig): Problem[] {
  const path = folder === undefined ? ['rules'] : ['rules', 'folders', config.rules?.folders.indexOf(folder) ?? 0];
  return reasons.map((message) => ({ ...placeOf(path), message }));
}

const SIGNALS: Requests = { onStop: stopOnSignal, onReload: (onReload) => void process.on('SIGHUP', onReload) };

/** The first SIGTERM or SIGINT asks for an orderly end; the second does not wait for it. */
function stopOnSignal(stop: () => void): void {
  let asked = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (asked) endNow(128 + constants.signals[signal]);
      asked = true;
      stop();
    });
  }
}

/**
 * Ends the process whatever it is doing. `process.exit` waits for the thread pool, and so for ever when a reader
 * that stopped reading blocks a write there: then only the kernel can end it.
 */
export function endNow(code: number): never {
  if (process.getActiveResourcesInfo().includes('FSReqCallback')) process.kill(process.pid, 'SIGKILL');
  process.exit(code);
}

function printProblems(problems: readonly Problem[], logTo: DestinationStream | undefined): void {
  for (const problem of problems) complain(logTo, `${formatProblem(problem)}\n`);
  complain(logTo, `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}; nothing was started\n`);
}

/** What keeps the agent from starting, when there is no log yet. */
function complain(logTo: DestinationStream | undefined, line: string): void {
  if (logTo === undefined) process.stderr.write(line);
  else logTo.write(JSON.stringify({ level: 'error', msg: line.trimEnd() }));
}
