import type { ExecEvent } from '../../shared/events/exec.ts';
import { checkEvent, EventError } from '../../shared/events/parse.ts';
import { timeOf } from '../detection/judge.ts';
import { orAlerts } from '../enrichment/alert-lookups.ts';
import { Enrichment } from '../enrichment/enrichment.ts';
import { createMapper, fieldsReadBy, lookupsFor } from '../rules/fields/mapper.ts';
import type { MatcherOptions } from '../rules/match.ts';
import type { Platform } from '../values/platform.ts';

/** How recorded events are read. */
export interface Reading {
  /** Naming scheme of the events' fields. */
  readonly fields: 'native' | 'sigma';
  readonly platform: Platform;
}

/**
 * The events come from another machine or time: look-ups use earlier events and what alerts say of their ancestors, not this machine.
 * @param reader says which fields rules read
 */
export function matcherOptions(
  reader: { readonly fields: ReadonlySet<string>; readonly readsEverything: boolean },
  { fields, platform }: Reading,
): MatcherOptions {
  if (fields === 'sigma') return { toSigma: (event) => event, timeOf: sigmaTime };
  const needed = fieldsReadBy(reader);
  const lookups = lookupsFor(platform, needed);
  const enrichment = new Enrichment({ live: false });
  const map = createMapper({ platform, fields: needed, lookups: orAlerts(enrichment.lookups(lookups), lookups) });
  return {
    toSigma: (event) => {
      const { type } = event as { type?: unknown };
      const isExec = type === 'exec';
      const isLink = type === 'fork' || type === 'exit';
      if (!isExec && !(isLink && lookups.size > 0)) return undefined;
      if (!isEvent(event)) return isExec ? 'faulty' : undefined;
      if (lookups.size > 0) enrichment.tree.take(event);
      return isExec ? map(event) : undefined;
    },
    timeOf: (event) => timeOf(event as unknown as ExecEvent),
  };
}

/** @param value of type exec, fork or exit; only an exec is used as more than its type */
function isEvent(value: unknown): value is ExecEvent {
  try {
    checkEvent(value);
    return true;
  } catch (error) {
    if (error instanceof EventError) return false;
    throw error;
  }
}

/** Sysmon's UtcTime, else 0: without times, correlations count all events in one window. */
function sigmaTime({ UtcTime }: Readonly<Record<string, unknown>>): number {
  const time = typeof UtcTime === 'string' ? Date.parse(`${UtcTime.replace(' ', 'T')}Z`) : 0;
  return Number.isNaN(time) ? 0 : time;
}
