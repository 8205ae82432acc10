import type { ExecEvent } from '../../shared/events/exec.ts';
import type { Lookups } from '../rules/fields/lookups.ts';

/** Facts in an alert about its process and those above it. The agent that made it knew them. */
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

/** Look-ups that read an alert itself where they know nothing: an alert that was recorded says what its agent knew. @param needed those that are used */
export function orAlerts(lookups: Lookups, needed: ReadonlySet<keyof Lookups>): Lookups {
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
