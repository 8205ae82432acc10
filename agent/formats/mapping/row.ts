import type { Kind, Origin, ProcessFields, Subject } from './subject.ts';

/** A value that a mapping takes from an event: text, number, flag, list, object or nothing. */
export type Value = string | number | boolean | readonly unknown[] | object | undefined;

/**
 * One row of a mapping: a field of the format, and where its value comes from. docs/formats.md shows each.
 * A row has one of `constant`, `origin`, `json` and `value`.
 */
export interface Row {
  /** The field's path: `process.parent.pid`. `[]` behind a name makes a list with one object of it: `evidences[].process.pid`. */
  readonly to: string;
  readonly kinds: readonly Kind[];
  /** Our fields that it is made of, by their paths. Fields of the identity (`host_id`, `boot_id` …) are among them. */
  readonly from: readonly string[];
  /** How the value differs from the field's, for the page. Left out where it is the same. */
  readonly how?: string;
  readonly constant?: Value;
  /** Depends on the origin alone. */
  readonly origin?: (origin: Origin) => Value;
  readonly value?: (subject: Subject) => Value;
  /** The value as JSON text, for numbers that JavaScript cannot hold. */
  readonly json?: (subject: Subject) => string | undefined;
}

/** The same value for all events of these kinds. */
export function constant(kinds: readonly Kind[], to: string, value: Value, how?: string): Row {
  return { to, kinds, from: [], constant: value, ...(how === undefined ? {} : { how }) };
}

/** A field as it is. */
export function copy(kinds: readonly Kind[], to: string, from: keyof ProcessFields): Row {
  return { to, kinds, from: [from], value: ({ process }) => process[from] };
}

/** Something of who the event is from. */
export function ofOrigin(kinds: readonly Kind[], to: string, from: string, origin: (origin: Origin) => Value): Row {
  return { to, kinds, from: [from], origin };
}

/** Something that is made of fields. */
export function made(
  kinds: readonly Kind[],
  to: string,
  from: readonly string[],
  how: string,
  value: (subject: Subject) => Value,
): Row {
  return { to, kinds, from, how, value };
}

/** A number, as text, as a field that keeps identifiers as text wants it. */
export function asText(kinds: readonly Kind[], to: string, from: 'uid' | 'gid' | 'euid' | 'egid' | 'session_id'): Row {
  return made(kinds, to, [from], 'as text', ({ process }) => textOf(process[from]));
}

export function textOf(value: number | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}
