import { release } from 'node:os';
import { isNoSocket } from '../client/unreachable.ts';
import { ControlClient } from '../client/client.ts';
import { statusOf, type AgentStatus } from '../client/status.ts';
import { DEFAULT_SOCKET } from '../config/schema.ts';
import { DEFAULT_CONTROL_SOCKET } from '../control/config.ts';
import { AgentError, reasonOf, systemCode } from '../errors.ts';
import type { Trust } from '../source/connect.ts';
import { checkCanary, fromHelper, throughAgent } from './canary.ts';
import { checkConfig, type ConfigReport } from './check-config.ts';
import { checkConfiguration } from './configuration.ts';
import { checkDisk } from './disk.ts';
import { findingsOf, type Finding } from './finding.ts';
import { checkProgram, checkSocket } from './helper-socket.ts';
import { checkHeard, checkHeartbeat, checkHello } from './helper-state.ts';
import { HelperStream } from './helper-stream.ts';
import { checkKernel, checkLibbpf, exists, read } from './kernel.ts';
import { checkOutputs } from './outputs.ts';
import { AGENT_USER, caller, personOf, personOfProcess } from './people.ts';
import { checkDescriptors, checkHealth, checkMetrics } from './running-agent.ts';

export interface DoctorOptions {
  /** The configuration file. */
  readonly file: string;
  /** The control socket, instead of the configuration's. */
  readonly socket?: string | undefined;
  readonly trust: Trust;
}

/** The agent that runs, as far as this user may look into it. */
interface Running {
  readonly client: ControlClient;
  readonly status: AgentStatus | undefined;
  /** Why there is no status. */
  readonly failure: unknown;
}

/** A heartbeat may be late by one. */
const BEATS = 2;

/**
 * Walks the way of an event, from the kernel to the receivers, and says of each step whether it works. Changes nothing and sends no
 * event; it executes one program, which is an event as any other. Every wait is bounded.
 */
export async function* examine({ file, socket, trust }: DoctorOptions): AsyncGenerator<Finding> {
  const report = await checkConfig(file);
  const { loaded } = report;
  const config = loaded.ok ? loaded.config : undefined;
  const helperSocket = config?.source.socket ?? DEFAULT_SOCKET;
  const running = await lookInto(socket ?? config?.control?.socket ?? DEFAULT_CONTROL_SOCKET);
  const { status } = running;
  // They take longest.
  const outputs = config === undefined ? Promise.resolve([]) : checkOutputs(config);
  const stream = await HelperStream.open(helperSocket, trust).catch((error: unknown) => reasonOf(error));
  const helperAnswers = stream instanceof HelperStream || status?.helper.connected === true;
  const agentProcess = status && personOfProcess(status.agent.pid);
  const agent = agentProcess ?? (status?.agent.uid === undefined ? personOf(AGENT_USER) : personOf(status.agent.uid));
  try {
    yield* checkKernel({ platform: process.platform, release: release(), read, exists });
    if (process.platform === 'linux') yield checkLibbpf(helperAnswers);
    if (process.platform !== 'win32') yield checkProgram(helperAnswers);
    yield* checkSocket({
      path: helperSocket,
      ownerUid: trust.ownerUid,
      agent,
      agentRuns: agentProcess !== undefined,
      caller: caller(),
    });
    yield* checkStream(stream, status, helperSocket);
    yield await canary(stream, running);
    yield* await beats(stream, status);
    yield* checkConfiguration(file, report, status);
    if (config !== undefined) yield* checkDisk(config, agent);
    yield* await outputs;
    yield* checkAgent(running, report, socket !== undefined);
    if (config?.metrics !== undefined) yield await checkMetrics(config.metrics.listen, status !== undefined);
  } finally {
    if (stream instanceof HelperStream) stream.close();
  }
}

async function lookInto(path: string): Promise<Running> {
  const client = new ControlClient(path);
  try {
    return { client, status: await statusOf(client), failure: undefined };
  } catch (error) {
    return { client, status: undefined, failure: error };
  }
}

/** @param stream or why there is none */
function* checkStream(
  stream: HelperStream | string,
  status: AgentStatus | undefined,
  path: string,
): Generator<Finding> {
  const { problem, skipped } = findingsOf('hello');
  if (stream instanceof HelperStream) return yield* checkHello(stream.hello);
  const { connected, version, source, probe_sha256, privileges } = status?.helper ?? {};
  if (connected === true && version !== undefined)
    return yield* checkHello({
      helper: version,
      source: source as 'ebpf',
      ...(probe_sha256 === undefined ? {} : { probe_sha256 }),
      privileges: privileges ?? {},
    } as Parameters<typeof checkHello>[0]);
  if (stream.startsWith('there is no socket')) yield skipped('there is nobody to ask');
  else if (stream.includes('may not use the socket'))
    yield skipped(`${path} is not open to this user; run this as root, or as the agent`);
  else yield problem(stream);
}

async function canary(stream: HelperStream | string, { client, status }: Running): Promise<Finding> {
  if (status?.helper.connected === true) {
    const found = await checkCanary(throughAgent(client));
    if (found.verdict !== 'skipped') return found;
  }
  if (stream instanceof HelperStream) return checkCanary(fromHelper(stream));
  return findingsOf('canary').skipped('there is no way to see events');
}

async function beats(stream: HelperStream | string, status: AgentStatus | undefined): Promise<Finding[]> {
  if (status?.helper.connected === true) return checkHeard(status);
  if (!(stream instanceof HelperStream)) return [findingsOf('heartbeat').skipped('there is no way to hear it')];
  const patienceMs = BEATS * Math.min(stream.hello.heartbeat_seconds, 30) * 1000;
  return checkHeartbeat(await stream.heartbeat(patienceMs), patienceMs);
}

/** Whether an agent runs, and what it says of itself. */
function* checkAgent(
  { client, status, failure }: Running,
  { loaded }: ConfigReport,
  isNamed: boolean,
): Generator<Finding> {
  const agent = findingsOf('agent');
  const control = findingsOf('control');
  if (status !== undefined) {
    yield* checkHealth(status);
    yield checkDescriptors(status.agent.pid);
    return yield control.ok(`${client.path} answers`);
  }
  if (!isNamed && loaded.ok && loaded.config.control === undefined)
    return yield control.warning(
      'there is no control socket, so nobody can look into the agent, and it is not known whether one runs',
      'add control: {} to the configuration, and reload the agent (SIGHUP)',
    );
  const cause = failure instanceof AgentError ? failure.cause : failure;
  const reason = reasonOf(failure).replace(/^[A-Z_]+: /u, '');
  if (systemCode(cause) === 'EACCES') return yield control.skipped(reason);
  if (['ENOENT', 'ECONNREFUSED'].includes(systemCode(cause) ?? '') && !isNoSocket(client.path))
    return yield agent.problem(
      `no agent runs: nobody listens on ${client.path}`,
      'systemctl enable --now probes-agent, then journalctl -u probes-agent',
    );
  yield control.problem(reason);
}
