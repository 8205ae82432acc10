import { Agent } from '../agent.ts';
import { DEFAULT_CONFIG_FILE, loadConfig, type LoadedConfig, type LoadResult } from '../config/load.ts';
import { formatProblem, type Problem } from '../problem.ts';
import { RulesError } from '../detection/detection.ts';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { exposureOf } from '../files/exposed.ts';
import { constants } from 'node:os';
import type { DestinationStream } from 'pino';
import { AgentError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { loadFfi } from '../ffi.ts';
import { createLog } from '../log.ts';
import { OwnMemory } from '../own-memory.ts';
import { OpenError } from '../delivery/open-error.ts';
import type { Reloaded } from '../control/routes.ts';
import { ServiceManager } from '../service/service-manager.ts';
import type { Trust } from '../source/connect.ts';
import { neutralise } from '../terminal-text.ts';
import { eventLogDestination, runAsService } from '../windows/service.ts';
import { Turns } from './turns.ts';
import { VERSION } from '../../shared/version.ts';

export interface RunOptions {
  /** As given with --config; undefined for the default file. */
  file: string | undefined;
  /** The required owner of the helper's socket. */
  trust: Trust;
  /** Windows: whether the service manager started this process. */
  service: boolean;
}

/** Sources of requests to stop and to reload the configuration. */
interface Requests {
  onStop(stop: () => void): void;
  onReload(reload: () => void): void;
}

/** `probes-agent run`: runs until a signal or the service manager ends it. Resolves with the exit status. */
export async function run(options: RunOptions): Promise<ExitCode> {
  if (process.platform === 'win32' && options.service) {
    return (await runAsService((requests, running) =>
      runUntilStopped(options, requests, running, eventLogDestination()),
    )) as ExitCode;
  }
  return runUntilStopped(options, SIGNALS, () => undefined);
}

/** @param onRunning called when everything is open; @param logTo destination of the agent's own log; default: standard error */
async function runUntilStopped(
  { file = DEFAULT_CONFIG_FILE, trust }: RunOptions,
  requests: Requests,
  onRunning: () => void,
  logTo?: DestinationStream,
): Promise<ExitCode> {
  if (file === DEFAULT_CONFIG_FILE && !existsSync(file)) return refuse(logTo, noConfiguration());
  const loaded = loadConfig(file);
  if (!loaded.ok) return refuseConfiguration(logTo, loaded.problems);
  try {
    // Every connection needs it. Loading it now reports a failure once, not at each connection.
    loadFfi();
  } catch (error) {
    if (error instanceof AgentError) return refuse(logTo, error);
    throw error;
  }
  const memory = new OwnMemory();
  const log = logTo === undefined ? createLog(loaded.config.log.level) : createLog(loaded.config.log.level, logTo);
  const stopping = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  let isStopping = false;
  // A second reload that overtook the first would leave a mix of both.
  const reloads = new Turns<Reloaded>(started.promise, async () => {
    // It would open outputs again that the end has closed, and tell the service manager that the agent is ready.
    if (isStopping) return { ok: false, problems: ['the agent is stopping'] };
    manager.reloading();
    const reloaded = await reload(agent, file);
    manager.ready(agent);
    memory.giveBackSoon();
    return reloaded;
  });
  const agent = new Agent({
    config: loaded.config,
    configFile: resolve(file),
    onReloadAsked: () => reloads.ask(),
    configSha256: loaded.sha256,
    log,
    trust,
    onReaderGone: stopping.resolve,
  });
  const { telemetry } = agent;
  telemetry.raise('AgentStarted', { version: VERSION, config: file, uid: process.getuid?.() });
  if (process.getuid?.() === 0) telemetry.raise('AgentRunsAsRoot');
  const exposure = exposureOf(resolve(file));
  if (exposure !== undefined) telemetry.raise('ConfigExposed', { problems: [exposure] });

  const manager = new ServiceManager(telemetry);
  agent.start().then(started.resolve, started.reject);
  // One that waits for a start that fails has nothing to add: the start says why.
  requests.onReload(() => void reloads.ask().catch(() => undefined));
  requests.onStop(stopping.resolve);

  try {
    await reloads.idle;
  } catch (error) {
    if (error instanceof RulesError) return refuseConfiguration(logTo, problemsOf(error, loaded));
    if (!(error instanceof OpenError)) throw error;
    return refuse(logTo, ...error.reasons.map((reason) => new AgentError('OUTPUT_FAILED', reason)));
  }
  onRunning();
  manager.ready(agent);
  memory.giveBackSoon();
  const { dashboardUrl } = agent;
  // Only to a person: what a service writes there is kept in a journal that others may read.
  if (dashboardUrl !== undefined && process.stderr.isTTY) process.stderr.write(`Open in a browser: ${dashboardUrl}\n`);
  await stopping.promise;
  isStopping = true;
  manager.stopping();
  telemetry.raise('AgentStopping');
  await reloads.idle;
  const unwritten = await agent.stop();
  telemetry.raise('AgentStopped');
  return unwritten === 0 ? EXIT.OK : EXIT.UNFLUSHED;
}

/** Reads the configuration again. @returns why it is not in force, for whoever asked; the log says so too */
async function reload(agent: Agent, file: string): Promise<Reloaded> {
  const refused = (problems: readonly string[]): Reloaded => {
    agent.telemetry.raise('ConfigRefused', { problems });
    return { ok: false, problems };
  };
  let loaded: LoadResult | undefined;
  try {
    loaded = loadConfig(file);
    if (!loaded.ok) return refused(loaded.problems.map(formatProblem));
    await agent.reload(loaded.config, loaded.sha256);
  } catch (error) {
    if (error instanceof RulesError && loaded?.ok === true)
      return refused(problemsOf(error, loaded).map(formatProblem));
    if (error instanceof OpenError) return refused(error.reasons);
    // Events go on with the outputs that there are: nothing that stands in a file may end an agent that runs.
    return refused([`${file}: a defect in the agent: ${error instanceof Error ? error.stack : String(error)}`]);
  }
  agent.telemetry.raise('ConfigReloaded', { config: file });
  return { ok: true, problems: [] };
}

/** The reasons for refusing rules, at the place in the configuration that asks for them. */
function problemsOf({ reasons, folder }: RulesError, { config, placeOf }: LoadedConfig): Problem[] {
  const path = folder === undefined ? ['rules'] : ['rules', 'folders', config.rules?.folders.indexOf(folder) ?? 0];
  return reasons.map((message) => ({ ...placeOf(path), message }));
}

const SIGNALS: Requests = { onStop: stopOnSignal, onReload: (onReload) => void process.on('SIGHUP', onReload) };

/** The first SIGTERM or SIGINT requests an orderly end; the second ends the process at once. */
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
 * Ends the process at once. `process.exit` waits for the thread pool, and would hang when a reader
 * that stopped reading blocks a write there: then only the kernel can end the process.
 */
export function endNow(code: number): never {
  if (process.getActiveResourcesInfo().includes('FSReqCallback')) process.kill(process.pid, 'SIGKILL');
  process.exit(code);
}

const noConfiguration = (): AgentError =>
  new AgentError(
    'CONFIG_NOT_FOUND',
    `there is no ${DEFAULT_CONFIG_FILE}. Copy agent.example.yaml there, or name a file: probes-agent run --config FILE`,
  );

/** Reports every problem. @returns the exit status */
function refuseConfiguration(logTo: DestinationStream | undefined, problems: readonly Problem[]): ExitCode {
  for (const problem of problems) complain(logTo, formatProblem(problem));
  const count = `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`;
  return refuse(logTo, new AgentError('CONFIG_WRONG', `${count}; nothing was started`));
}

/** Reports why the agent does not start. @returns the exit status */
function refuse(logTo: DestinationStream | undefined, ...errors: readonly AgentError[]): ExitCode {
  for (const { message } of errors) complain(logTo, message);
  return errors[0]?.exitCode ?? EXIT.INTERNAL;
}

/** Before the agent has started, there is no log. */
function complain(logTo: DestinationStream | undefined, line: string): void {
  if (logTo === undefined) process.stderr.write(`${neutralise(line)}\n`);
  else logTo.write(JSON.stringify({ level: 'error', msg: line }));
}
