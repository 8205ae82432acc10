import type { HelloEvent } from '../../shared/events/hello.ts';
import { HEARTBEAT_SECONDS } from '../../shared/protocol/limits.ts';
import { PROTOCOL_VERSION } from '../../shared/protocol/version.ts';
import { VERSION } from '../../shared/version.ts';
import type { Clock } from './clock.ts';
import type { EventSource } from './event-source.ts';
import type { Backlog } from '../pipe/backlog.ts';
import type { HelperState } from './state.ts';

interface HelloParts {
  readonly source: EventSource;
  readonly backlog: Backlog;
  readonly state: HelperState;
  readonly clock: Clock;
}

/** Gives the function that makes the first line for a client that connects now, newline included. */
export function helloMaker(
  { source, backlog, state, clock }: HelloParts,
  privileges: HelloEvent['privileges'],
): () => string {
  return () => {
    const hello: HelloEvent = {
      type: 'hello',
      protocol: PROTOCOL_VERSION,
      helper: VERSION,
      time: clock.now(),
      privileges,
      first_seq: state.firstSeq,
      last_seq: state.lastSeq,
      ...oldestHeld(backlog),
      heartbeat_seconds: HEARTBEAT_SECONDS,
      ...source.description,
    };
    return `${JSON.stringify(hello)}\n`;
  };
}

/**
 * The first number in the backlog. Every line there is an event with `seq`, a gap with
 * `first`, or word of the clock with `from_seq`, the number that follows. No such name with
 * its colon can stand in a value, whose quotes are escaped, so the line, which may be long,
 * need not be parsed for every client.
 */
function oldestHeld(backlog: Backlog): { oldest_held_seq?: number } {
  const oldest = backlog.oldestLine();
  if (oldest === undefined) return {};
  const name = ['"seq":', '"first":', '"from_seq":'].find((candidate) => oldest.includes(candidate));
  if (name === undefined) return {};
  const at = oldest.indexOf(name) + name.length;
  return { oldest_held_seq: Number.parseInt(oldest.toString('latin1', at, at + 16), 10) };
}
