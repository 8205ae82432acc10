import { isObject } from '../../../shared/events/fields.ts';
import { NO_NUMBER } from '../../events/item.ts';
import type { Identity } from '../../formats/identified.ts';
import { rulesIn, sealIn, timeIn, typeIn } from '../../formats/line-fields.ts';
import { nanosOf } from '../../formats/mapping/values.ts';
import { nativeView } from '../../formats/native-view.ts';
import { LEVELS } from '../../rules/parse/metadata.ts';
import type { Part } from '../network/parts.ts';

/**
 * The stream of an entry, beside its other labels: what the source told, or what delivery adds when it sends. The second kind has the time
 * of sending. In one stream with the first it would make the events of an outage that follow it too old for Loki, which
 * takes nothing that is more than an hour behind a stream's newest entry.
 */
export type RecordLabel = 'event' | 'delivery';

/** One entry of a push request, as JSON. */
export interface Entry {
  readonly label: RecordLabel;
  readonly json: string;
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/u;

/** Where gaps are made when lines are sent. */
const DELIVERY_HOPS: ReadonlySet<unknown> = new Set(['output', 'spool']);

/**
 * Record `i` of a part: its time in nanoseconds, its line, and structured metadata, whose values are text.
 * @param nowMs milliseconds since 1970, for an event without a time: Loki takes no entry without one
 */
export function entryOf(part: Part, i: number, { hostId, stream }: Identity, nowMs: number): Entry {
  const line = part.lines.subarray(i === 0 ? 0 : part.endOf(i - 1), part.endOf(i) - 1);
  const type = typeIn(line);
  const { first, last } = part.numbersOf(i);
  const metadata = {
    host_id: hostId,
    boot_id: part.bootId,
    stream,
    type: type === '' ? undefined : type,
    ...(first === NO_NUMBER
      ? {}
      : part.isGap(i)
        ? { first: String(first), last: String(last) }
        : { seq: String(first) }),
    seal: sealIn(line),
    rule_level: levelIn(line),
  };
  return {
    label: type === 'seal' || (part.isGap(i) && DELIVERY_HOPS.has(hopIn(line))) ? 'delivery' : 'event',
    json: `["${timestampOf(timeIn(line)) ?? `${nowMs}000000`}",${JSON.stringify(line.toString())},${JSON.stringify(metadata)}]`,
  };
}

/** Nanoseconds since 1970 as digits; undefined for what is no time, or none that Loki can take. */
export function timestampOf(time: string): string | undefined {
  return INSTANT.test(time) && Date.parse(time) > 0 ? String(nanosOf(time)) : undefined;
}

/** The highest level among the rules of an alert. */
function levelIn(line: Buffer): string | undefined {
  const levels = rulesIn(line)?.map((rule) => LEVELS.indexOf((rule as { level?: never } | null)?.level as never));
  return levels === undefined ? undefined : LEVELS[Math.max(...levels)];
}

function hopIn(line: Buffer): unknown {
  const value: unknown = JSON.parse(line.toString());
  return isObject(value) ? nativeView(value)?.['hop'] : undefined;
}
