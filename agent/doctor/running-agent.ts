import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import type { AgentStatus } from '../client/status.ts';
import { reasonOf, systemCode } from '../errors.ts';
import { formatAddress, type Address } from '../server/address.ts';
import { formatCount, formatSeconds } from '../view/quantities.ts';
import { findingsOf, type Finding } from './finding.ts';

/** How much of its descriptors an agent may have in use. */
const DESCRIPTORS_SHARE = 0.8;

const ANSWER_MS = 2000;

/** The agent's own report of its health. */
export function checkHealth({ problems, gaps, helper, agent }: AgentStatus): Finding[] {
  const { ok, warning, problem } = findingsOf('agent');
  return [
    ...(problems.length > 0
      ? problems.map(({ what, reason }) => problem(`${what}: ${reason}`))
      : [
          ok(
            `version ${agent.version}, pid ${agent.pid}, ${helper.connected ? 'connected to the helper' : 'not connected'}`,
          ),
        ]),
    ...(gaps.lost === 0
      ? []
      : [
          warning(
            `${formatCount(gaps.lost)} events were lost since it started`,
            'probes-agent status says at which hop; docs/completeness.md what to do',
          ),
        ]),
  ];
}

/** Descriptors of a process: proc_pid_limits(5). Only root and its own user may look. */
export function checkDescriptors(pid: number): Finding {
  const { ok, warning, skipped } = findingsOf('descriptors');
  try {
    const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
    const [, most = '0'] = /^Max open files\s+(\d+)/mu.exec(limits) ?? [];
    const used = readdirSync(`/proc/${pid}/fd`).length;
    const says = `the agent has ${used} of ${most} open`;
    return used < Number(most) * DESCRIPTORS_SHARE ? ok(says) : warning(says, 'raise LimitNOFILE= of its service');
  } catch (error) {
    return skipped(
      systemCode(error) === 'EACCES'
        ? 'only root and its own user can see them'
        : `they cannot be seen: ${reasonOf(error)}`,
    );
  }
}

/** Whether metrics are served where the configuration says. @param runs whether the agent runs */
export async function checkMetrics(address: Address, runs: boolean): Promise<Finding> {
  const { ok, warning, problem, skipped } = findingsOf('metrics');
  const where = formatAddress(address);
  let answer: Awaited<ReturnType<typeof ask>>;
  try {
    answer = await ask(address);
  } catch (error) {
    if (systemCode(error) === 'EACCES') return skipped(`${where} is not open to this user`);
    if (!runs && ['ECONNREFUSED', 'ENOENT'].includes(systemCode(error) ?? '')) return ok(`${where} is free`);
    return problem(`${where}: ${reasonOf(error)}`, 'reload the agent, and look at its log');
  }
  if (!answer.isOurs)
    return problem(`${where}: another program answers there`, 'stop it, or choose another address for metrics.listen');
  if (!runs)
    return warning(`an agent answers at ${where}, but its control socket does not`, 'add control: {} and reload it');
  return ok(`${where} answers after ${formatSeconds(answer.ms / 1000)}`);
}

function ask(address: Address): Promise<{ isOurs: boolean; ms: number }> {
  const began = performance.now();
  const { promise, resolve, reject } = Promise.withResolvers<{ isOurs: boolean; ms: number }>();
  const target = address.kind === 'unix' ? { socketPath: address.path } : { host: address.host, port: address.port };
  // Status 101 ends it so, without an error.
  const unanswered = (): void => reject(new Error('the connection was closed without an answer'));
  const asked = request({ ...target, path: '/healthz', agent: false }, (response) => {
    asked.off('close', unanswered);
    let text = '';
    response.setEncoding('utf8').on('data', (piece: string) => {
      text = (text + piece).slice(0, 4096);
    });
    response.once('end', () =>
      resolve({ isOurs: /^\{"status":"(?:ok|failing)"/u.test(text), ms: performance.now() - began }),
    );
    response.once('error', reject);
  });
  const timer = setTimeout(() => asked.destroy(new Error('no answer in time')), ANSWER_MS);
  asked.once('error', reject).once('close', unanswered).end();
  return promise.finally(() => {
    clearTimeout(timer);
    asked.destroy();
  });
}
