import { FakeHelper } from '../../support/fake-helper.ts';
import { Workplace, type AgentProcess } from './agent-process.ts';
import { start, toFile } from './outputs.ts';

export interface Controlled {
  readonly helper: FakeHelper;
  readonly agent: AgentProcess;
  readonly work: Workplace;
  /** The path of its control socket. */
  readonly socket: string;
}

/** The configuration of an agent with a control socket and a file, `events`. @param more further lines @param outputs further ones */
export const controlledConfig = (
  helper: FakeHelper,
  work: Workplace,
  more = '',
  outputs = '',
  recent = '1MiB',
): string =>
  `${toFile(helper, work.path('events'))}${outputs}control: { socket: ${work.path('control.sock')}, recent: ${recent} }\n${more}`;

/**
 * An agent with a control socket, and a stand-in for the helper.
 * @param more further lines of the configuration
 * @param outputs further outputs
 * @param recent memory for the newest lines
 */
export async function withControl(
  use: (setting: Controlled) => Promise<void>,
  more = '',
  outputs = '',
  recent?: string,
): Promise<void> {
  using work = new Workplace();
  await using helper = await new FakeHelper({ heartbeatMs: 20 }).listen();
  await using agent = await start(work, controlledConfig(helper, work, more, outputs, recent));
  await agent.until(() => agent.countOf('ControlListening') === 1 && agent.countOf('HelperConnected') === 1);
  await use({ helper, agent, work, socket: work.path('control.sock') });
}
