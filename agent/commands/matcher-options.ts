import type { ExecEvent } from '../../shared/events/exec.ts';
import { checkEvent, EventError } from '../../shared/events/parse.ts';
import { timeOf } from '../detection/judge.ts';
import { Enrichment } from '../enrichment/enrichment.ts';
import type { Lookups } from '../rules/fields/lookups.ts';
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
      if (event['type'] !== 'exec') return undefined;
      if (!isEvent(event)) return 'faulty';
      const exec = event as unknown as ExecEvent;
      if (lookups.size > 0) enrichment.tree.see(exec);
      return map(exec);
    },
    timeOf: (event) => timeOf(event as unknown as ExecEvent),
  };
}

/** What an alert says of its process and of those above it: the agent that made it knew them. */
interface AlertContext {
  readonly entity_id?: unknown;
  readonly ancestors?: readonly {
    readonly command_line?: unknown;
    readonly exe?: unknown;
    readonly entity_id?: unknown;
  }[];
}

const FROM_ALERTS: ReadonlyArray<readonly [lookup: AlertLookup, read: (alert: AlertContext) => unknown]> = [
  ['parentCommandLine', ({ ancestors }) => ancestors?.[0]?.command_line],
  ['grandParentImage', ({ ancestors }) => ancestors?.[1]?.exe],
  ['entityId', ({ entity_id }) => entity_id],
  ['parentEntityId', ({ ancestors }) => ancestors?.[0]?.entity_id],
];
type AlertLookup = 'parentCommandLine' | 'grandParentImage' | 'entityId' | 'parentEntityId';

/** Look-ups that read an alert itself where no earlier event tells. */
function orAlerts(lookups: Lookups, needed: ReadonlySet<keyof Lookups>): Lookups {
  const both = FROM_ALERTS.filter(([name]) => needed.has(name)).map(([name, read]) => [
    name,
    (event: ExecEvent): string | undefined => {
      const known = lookups[name]?.(event);
      if (known !== undefined) return known;
      const { ancestors, entity_id } = event as AlertContext;
      // The file may hold anything.
      const said = read({ entity_id, ancestors: Array.isArray(ancestors) ? ancestors : [] });
      return typeof said === 'string' ? said : undefined;
    },
  ]);
  return { ...lookups, ...Object.fromEntries(both) };
}

function isEvent(value: unknown): boolean {
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
