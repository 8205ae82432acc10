import { readFileSync } from 'node:fs';
import type { FakeHelper } from '../../support/fake-helper.ts';
import { wholeLines } from '../../support/lines.ts';
import { AgentProcess, type Workplace } from './agent-process.ts';
import { summary, toItem } from './items.ts';

export { wholeLines as linesOf };

export const summaryOf = (text: string): string =>
  summary(wholeLines(text).map((line) => toItem(JSON.parse(line) as object)));

/** The contents of a file; nothing when it is not there, or is renamed by a rotation between the look and the reading. */
export function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

export const toStdout = (helper: FakeHelper, more = ''): string =>
  `source: { socket: ${helper.socketPath} }\noutputs:\n  - { name: screen, type: stdout${more} }\n`;
export const toFile = (helper: FakeHelper, path: string, more = ''): string =>
  `source: { socket: ${helper.socketPath} }\noutputs:\n  - { name: local, type: file, path: ${path}${more} }\n`;

/** The number after the last that events and gaps account for, when they follow each other from 1 without a hole. */
export function numberAfter(stdout: string): number {
  let next = 1;
  for (const line of wholeLines(stdout)) {
    const { type, seq, first, last, count } = JSON.parse(line) as {
      type: string;
      seq: number;
      first: number;
      last: number;
      count: number;
    };
    const [from, to] = type === 'gap' ? [first, last] : [seq, seq];
    if (from !== next || (type === 'gap' && count !== to - from + 1)) throw new Error(`expected ${next} next: ${line}`);
    next = to + 1;
  }
  return next;
}

/** The agent with that configuration. */
export async function start(work: Workplace, config: string, env?: NodeJS.ProcessEnv): Promise<AgentProcess> {
  work.configure(config);
  return new AgentProcess(['run', '--config', work.configFile], env === undefined ? {} : { env });
}

/** Killed as nothing else would kill it, at a moment when it has written what it has so far. */
export async function killed(agent: AgentProcess): Promise<void> {
  agent.child.kill('SIGKILL');
  await agent.exited;
}

/** An agent's first life: it has written all that the helper has said so far to the file, and is killed. */
export async function writeAndKill(work: Workplace, helper: FakeHelper, path: string): Promise<void> {
  await using agent = await start(work, toFile(helper, path));
  await agent.until(() => wholeLines(read(path)).length === helper.backlog.length);
  await killed(agent);
}
