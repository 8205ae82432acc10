import { canLackValues } from '../fields/incomplete.ts';
import type { FieldValue } from './explained.ts';

/** Characters of a text that an explanation holds: command lines can have millions. */
export const MAX_CHARACTERS = 1024;
/** Items of a list that it holds. */
export const MAX_ITEMS = 32;

/** The fields of an event of which only a part is known. */
export interface PartlyKnown {
  /** Paths with a known end only (incompleteFields). */
  readonly ends?: ReadonlySet<string> | undefined;
  /** Command lines that were cut (cutFields). */
  readonly starts?: ReadonlySet<string> | undefined;
}

/** A field's value for people to look at, in bounded size. @param raw as in the event; undefined where it is missing */
export function fieldValue(field: string, raw: unknown, { ends, starts }: PartlyKnown): FieldValue {
  if (raw === undefined) return { field, missing: true };
  const known =
    ends?.has(field) === true && !canLackValues(field) ? 'end' : starts?.has(field) === true ? 'start' : undefined;
  return { field, ...bounded(raw), ...(known === undefined ? {} : { known }) };
}

function bounded(raw: unknown): Pick<FieldValue, 'value' | 'length'> {
  if (Array.isArray(raw)) {
    const value = raw.slice(0, MAX_ITEMS).map((item: unknown) => bounded(item).value);
    return raw.length > MAX_ITEMS ? { value, length: raw.length } : { value };
  }
  if (typeof raw === 'object' && raw !== null) return bounded(JSON.stringify(raw));
  if (typeof raw !== 'string' || raw.length <= MAX_CHARACTERS) return { value: raw };
  return { value: startOf(raw), length: raw.length };
}

/** Characters stay whole: a pair of surrogates is one. */
function startOf(text: string): string {
  const isSplit = text.codePointAt(MAX_CHARACTERS - 1)! > 0xffff;
  return text.slice(0, isSplit ? MAX_CHARACTERS - 1 : MAX_CHARACTERS);
}
