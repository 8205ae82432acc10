import { setTimeout as delay } from 'node:timers/promises';
import { execEvent, type FakeHelper } from '../../support/fake-helper.ts';
import type { Workplace } from './agent-process.ts';
import { killed, start } from './outputs.ts';

/** Events that the helper still holds after a long outage. The spool has the rest. */
const HELD_EVENTS = 3000;

/** Events with these numbers, a few at a time, at about so many a second. */
export async function load(helper: FakeHelper, from: number, to: number, perSecond = 3000): Promise<void> {
  for (let seq = from; seq <= to;) {
    const next = Math.min(seq + Math.ceil(perSecond / 50), to + 1);
    helper.send(...Array.from({ length: next - seq }, (_, i) => execEvent(seq + i)));
    seq = next;
    await delay(20);
  }
}

/**
 * Agents under load, each killed at a moment of its own; the receiver is away while every second one gets its events.
 * @returns the last number that was sent
 */
export async function killUnderLoad(
  work: Workplace,
  config: string,
  helper: FakeHelper,
  receiver: { stop(): Promise<unknown>; listen(): Promise<unknown> },
  lives: number,
): Promise<number> {
  let sent = 0;
  for (let life = 0; life < lives; life++) {
    await using agent = await start(work, config);
    await agent.until(() => agent.countOf('HelperConnected') === 1);
    if (life % 2 === 1) await receiver.stop();
    await load(helper, sent + 1, sent + 1500);
    sent += 1500;
    if (life % 2 === 1) await receiver.listen();
    helper.backlog.splice(0, helper.backlog.length - HELD_EVENTS);
    helper.hello.last_seq = sent;
    await killed(agent);
  }
  return sent;
}
