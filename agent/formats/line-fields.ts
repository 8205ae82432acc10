import { isObject } from '../../shared/events/fields.ts';

const OPENING_BRACE = 0x7b;
const QUOTE = 0x22;

/** Where an own line ends: `"seal":N}` and a newline. */
const END_BYTES = 32;

/** Keys of a line of one of our formats, in the form in which they stand in front of their values. */
interface Layout {
  /** Begins the lines of this format, and no others. */
  readonly start: string;
  readonly type: string;
  readonly time: string;
}

/**
 * In these, everything that others choose comes behind these keys, or is text, in which each quote has a backslash in front of it. So
 * the first place where a key is found is its own. Tests hold the order of the rows to that.
 */
const LAYOUTS: readonly Layout[] = [
  { start: '{"@timestamp":', type: '"action":"', time: '"@timestamp":"' },
  { start: '{"class_uid":', type: '"event_code":"', time: '"time":"' },
];

const NATIVE: Layout = { start: '', type: '"type":"', time: '"time":"' };
/** In front of the seal, in every line. A line that is not sealed can hold other objects of that name. */
const BEFORE_SEAL = '"schema_version":';
const SEAL = /^\d+,"seal":\{"number":(\d+)/u;
const SEAL_BYTES = 64;

/** The type of an event; empty where it has none. @param line of any of our formats; a newline at its end does no harm */
export function typeIn(line: Buffer): string {
  const layout = layoutOf(line);
  return textAt(line, layout, layout.type) ?? textBelow(line, 'type');
}

/** When the event happened, RFC 3339; empty where the line does not say it. */
export function timeIn(line: Buffer): string {
  const layout = layoutOf(line);
  return textAt(line, layout, layout.time) ?? textBelow(line, 'time');
}

/** The digits of the number of the seal that covers a line; undefined where there is none. */
export function sealIn(line: Buffer): string | undefined {
  if (layoutOf(line) === NATIVE) {
    const end = line.toString('latin1', Math.max(0, line.length - END_BYTES));
    return /,"seal":(\d+)\}\n?$/u.exec(end)?.[1];
  }
  const at = line.indexOf(BEFORE_SEAL);
  if (at === -1) return undefined;
  const start = at + BEFORE_SEAL.length;
  return SEAL.exec(line.toString('latin1', start, start + SEAL_BYTES))?.[1];
}

/** The rules of an alert; undefined for all other events. */
export function rulesIn(line: Buffer): readonly unknown[] | undefined {
  if (!line.includes('"rules":[')) return undefined;
  const value = JSON.parse(line.toString()) as Record<string, unknown>;
  for (const holder of [value, value['probes'], value['unmapped']])
    if (isObject(holder) && Array.isArray(holder['rules'])) return holder['rules'];
  return undefined;
}

function layoutOf(line: Buffer): Layout {
  return LAYOUTS.find(({ start }) => line.toString('latin1', 0, start.length) === start) ?? NATIVE;
}

/** @returns undefined where it takes a parser to know */
function textAt(line: Buffer, layout: Layout, key: string): string | undefined {
  const at = line.indexOf(key);
  if (at === -1) return undefined;
  // Without another object in front of it, it is a key of the line itself.
  const brace = layout === NATIVE ? line.indexOf(OPENING_BRACE, 1) : -1;
  if (brace !== -1 && brace < at) return undefined;
  const from = at + key.length;
  const text = line.toString('utf8', from, line.indexOf(QUOTE, from));
  return text.includes('\\') ? undefined : text;
}

function textBelow(line: Buffer, name: 'type' | 'time'): string {
  try {
    const value = JSON.parse(line.toString()) as Record<string, unknown>;
    const { event, metadata, unmapped } = value;
    const text =
      name === 'time'
        ? (value['time'] ?? value['@timestamp'] ?? (isObject(unmapped) && unmapped['time']))
        : (value['type'] ?? (isObject(event) && event['action']) ?? (isObject(metadata) && metadata['event_code']));
    return typeof text === 'string' ? text : '';
  } catch {
    return '';
  }
}
