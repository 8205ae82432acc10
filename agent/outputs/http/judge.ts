import type { Reply } from '../web/exchange.ts';
import type { Judgement } from '../web/protocol.ts';
import { judgeStatus, patience, reasonIn } from '../web/status.ts';

/** Requirements for a reply. Undefined ones do not apply. */
export interface Condition {
  readonly statuses: ReadonlySet<number> | undefined;
  readonly body: { readonly test: (text: string) => boolean } | undefined;
}

/** How replies are read. */
export interface Reading {
  /** All was taken. Without statuses, it takes one from 200 to 299. */
  readonly accept: Condition;
  /** An event is to blame, beside what HTTP says so of. */
  readonly refuse: Condition | undefined;
}

/**
 * Judges a batch by the reply to it.
 * @param now milliseconds since 1970
 */
export function judge(reply: Reply, { accept, refuse }: Reading, now = Date.now()): Judgement {
  const { status } = reply;
  const good = accept.statuses === undefined ? status >= 200 && status <= 299 : accept.statuses.has(status);
  const text = reply.body.toString('utf8');
  if (good && accept.body?.test(text) !== false) return { kind: 'taken' };
  if (refuse !== undefined && refuse.statuses?.has(status) !== false && refuse.body?.test(text) !== false)
    return { kind: 'refused', reason: reasonIn(reply) };
  if (good)
    return {
      kind: 'retry',
      reason: `${reasonIn(reply)}, but accept.body does not match the reply`,
      ...patience(reply, now),
    };
  const judgement = judgeStatus(reply, now);
  // A status that would be good if accept.status did not say otherwise.
  return judgement.kind === 'taken' ? { kind: 'retry', reason: reasonIn(reply), ...patience(reply, now) } : judgement;
}
