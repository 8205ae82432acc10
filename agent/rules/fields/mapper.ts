import type { ExecEvent } from '../../../shared/events/exec.ts';
import { reader, type SigmaEvent } from '../compile/subject.ts';
import type { Lookups } from './lookups.ts';
import type { Platform } from '../../values/platform.ts';
import { FIELDS, type FieldRow } from './table.ts';

export interface MapperOptions {
  readonly platform: Platform;
  /** The fields that rules read; only these are filled. If absent, the whole table. */
  readonly fields?: ReadonlySet<string>;
  readonly lookups?: Lookups;
}

/** Fields that rules or filters read. A keyword searches every value of the event, but causes no look-ups. */
export function fieldsReadBy({
  fields,
  readsEverything,
}: {
  fields: ReadonlySet<string>;
  readsEverything: boolean;
}): Set<string> {
  const all = new Set(fields);
  if (readsEverything) for (const { sigma, lookups } of FIELDS) if (lookups === undefined) all.add(sigma);
  return all;
}

/**
 * Gives an event of ours Sigma's field names. A name that the table does not
 * have is read from our event itself, so rules can also ask for `container_id`, `flags` or `parent.pid`.
 * Fields without a value are left out. Pure, except for the look-ups.
 */
export function createMapper({ platform, fields, lookups = {} }: MapperOptions): (event: ExecEvent) => SigmaEvent {
  const rows = FIELDS.filter(
    (row) => row.platforms.includes(platform) && (fields === undefined || fields.has(row.sigma)),
  );
  const known = new Set(FIELDS.map((row) => row.sigma));
  // No event has a field `__proto__`, and assigning to it would not create one.
  const own = [...(fields ?? [])]
    .filter((name) => !known.has(name) && name !== '__proto__')
    .map((name) => [name, reader(name)] as const);
  return (event) => {
    const mapped: Record<string, unknown> = {};
    for (const { sigma, read } of rows) {
      const value = read(event, lookups);
      if (value !== undefined) mapped[sigma] = value;
    }
    for (const [name, read] of own) {
      const value = read(event as unknown as SigmaEvent);
      if (value !== undefined) mapped[name] = value;
    }
    return mapped;
  };
}

/** The look-ups that these fields need: the agent sets up no others. */
export function lookupsFor(platform: Platform, fields: ReadonlySet<string>): ReadonlySet<keyof Lookups> {
  return new Set(
    FIELDS.flatMap(({ sigma, platforms, lookups = [] }: FieldRow) =>
      platforms.includes(platform) && fields.has(sigma) ? lookups : [],
    ),
  );
}
