import type { Reply } from '../web/exchange.ts';
import type { Judgement } from '../web/protocol.ts';
import { judgeStatus, patience } from '../web/status.ts';

/** The causes that Loki names for entries, and their meaning here. Its text itself is never repeated: it can hold labels and lines. */
const SAID: readonly (readonly [RegExp, string])[] = [
  [/too far behind|out of order/iu, 'it is more than an hour older than the newest of its stream'],
  [/timestamp too old/iu, 'it is older than the receiver takes; see its reject_old_samples_max_age'],
  [/timestamp too new/iu, 'it lies in the future: the clock of this host, or that of the receiver, is wrong'],
  [/max entry size|line too long/iu, 'its line is longer than the receiver takes; see its max_line_size'],
];

/** The receiver is not set up for entries as we send them: no entry is to blame. */
const NO_METADATA = /structured metadata[^]{0,200}(?:disallowed|not allowed|disabled)|allow_structured_metadata/iu;
const NO_TENANT = /no org id/iu;

/** Judges a part by the reply to a push request. */
export function judge(reply: Reply): Judgement {
  const judgement = judgeStatus(reply);
  const text = reply.body.toString('utf8');
  switch (judgement.kind) {
    case 'taken':
      // Loki answers 204 and nothing else.
      return text.trim() === ''
        ? judgement
        : {
            kind: 'retry',
            reason: `status ${reply.status} with a text, as no Loki answers it; see url`,
            ...patience(reply),
          };
    case 'refused': {
      if (NO_METADATA.test(text))
        return {
          kind: 'retry',
          reason: `${judgement.reason}: the receiver takes no structured metadata; set its allow_structured_metadata`,
        };
      const said = SAID.find(([pattern]) => pattern.test(text))?.[1];
      return said === undefined ? judgement : { kind: 'refused', reason: `${judgement.reason}: ${said}` };
    }
    case 'unauthorized':
      return NO_TENANT.test(text)
        ? { ...judgement, reason: `${judgement.reason}, and tenant, which the receiver wants` }
        : judgement;
    default:
      return judgement;
  }
}
