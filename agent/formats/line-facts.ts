import { isObject } from '../../shared/events/fields.ts';
import { checkEvent } from '../../shared/events/parse.ts';
import { NO_NUMBER } from '../events/item.ts';
import { nativeView } from './native-view.ts';

/** Numbers and seals of a line in any of our formats. */
export interface LineFacts {
  /** The event's type; undefined in a line that could only be written as text. */
  readonly type: string | undefined;
  /** Absent in a line that does not say who it is from. */
  readonly bootId: string | undefined;
  /** The seal that covers the line, or whose line it is. */
  readonly seal: number | undefined;
  /** The numbers that the line stands for: its own, or those of a gap. NO_NUMBER where it has none. */
  readonly first: number;
  readonly last: number;
  /** How many numbers a gap accounts for; 0 for all other lines. */
  readonly gapCount: number;
  /** The last number that a seal covers; NO_NUMBER for all other lines. */
  readonly sealedTo: number;
}

/** Reads a line that one of our outputs has written. @returns undefined for what is no such line */
export function factsOf(line: string): LineFacts | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const fields = isObject(value) ? nativeView(value) : undefined;
    if (fields === undefined) return undefined;
    // Of a gap that passed a filter the count can be smaller than its range.
    if (fields === value && fields['type'] !== 'gap' && fields['type'] !== 'seal') checkEvent(value);
    return read(fields);
  } catch {
    return undefined;
  }
}

function read({
  type,
  boot_id: bootId,
  seal,
  seq,
  to,
  first,
  last,
  count,
}: Readonly<Record<string, unknown>>): LineFacts | undefined {
  const isGap = type === 'gap';
  const facts = {
    type,
    bootId,
    seal,
    first: (isGap ? first : seq) ?? NO_NUMBER,
    last: (isGap ? last : seq) ?? NO_NUMBER,
    gapCount: (isGap ? count : undefined) ?? 0,
    sealedTo: (type === 'seal' ? to : undefined) ?? NO_NUMBER,
  };
  const areNumbers = [facts.first, facts.last, facts.gapCount, facts.sealedTo, seal ?? 0].every(isNumber);
  const areTexts = [type, bootId].every((text) => text === undefined || typeof text === 'string');
  return areNumbers && areTexts ? (facts as LineFacts) : undefined;
}

function isNumber(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= NO_NUMBER;
}
