/**
 * Checks a field of an event. Gets the parsed JSON value and returns undefined if it is valid, otherwise the expected
 * value as a part of a sentence.
 */
export interface Check {
  (value: unknown): string | undefined;
  /** The check as data, for code that examines text instead of values. Checks that only one event needs have none. */
  readonly kind?: Kind;
}

/** A check of a field that an event may lack. */
interface OptionalCheck extends Check {
  readonly optional: true;
}

/** The values that a check accepts. */
type Kind =
  | { readonly is: 'text' | 'texts' | 'count' | 'integer' | 'boolean' }
  | { readonly is: 'constant'; readonly values: readonly unknown[] }
  /** `pattern` is anchored at both ends and matches only characters that JSON does not escape. */
  | { readonly is: 'matching'; readonly pattern: RegExp }
  | { readonly is: 'map'; readonly of: Check }
  | { readonly is: 'object'; readonly fields: Readonly<Record<string, Check>>; readonly mayLack: readonly string[] };

/** One check for every field that `E` declares, so that the type and its parser cannot diverge. */
export type Fields<E> = { readonly [K in keyof Required<E>]: Check };

/** The same, with optional fields marked. The order of the fields is their order in a line. */
export type FieldTable<E> = {
  readonly [K in keyof Required<E>]: Record<never, never> extends Pick<E, K>
    ? OptionalCheck
    : Check & { readonly optional?: never };
};

const checkOf = (kind: Kind, check: (value: unknown) => string | undefined): Check => Object.assign(check, { kind });

/** Marks a field that an event may lack. */
export const optional = (check: Check): OptionalCheck =>
  Object.assign((value: unknown) => check(value), { ...(check.kind && { kind: check.kind }), optional: true } as const);

/** The fields of a table that an event must have; its `type` is not among them. */
export const requiredOf = (table: Readonly<Record<string, Check | OptionalCheck>>): readonly string[] =>
  Object.keys(table).filter((name) => name !== 'type' && !('optional' in table[name]!));

export const text: Check = checkOf({ is: 'text' }, (v) => (typeof v === 'string' ? undefined : 'a string'));

/** A whole number from 0 that JavaScript represents exactly. */
export const count: Check = checkOf({ is: 'count' }, (v) =>
  Number.isSafeInteger(v) && (v as number) >= 0 ? undefined : 'a whole number from 0',
);

export const integer: Check = checkOf({ is: 'integer' }, (v) =>
  Number.isSafeInteger(v) ? undefined : 'a whole number',
);

export const yes: Check = checkOf({ is: 'constant', values: [true] }, (v) => (v === true ? undefined : 'true'));

export const flag: Check = checkOf({ is: 'boolean' }, (v) => (typeof v === 'boolean' ? undefined : 'true or false'));

const matching = (pattern: RegExp, expected: string): Check =>
  checkOf({ is: 'matching', pattern }, (v) => (typeof v === 'string' && pattern.test(v) ? undefined : expected));

export const instant: Check = matching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/, 'an RFC 3339 time in UTC');

export const sha256: Check = matching(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hexadecimal');

export const texts: Check = checkOf({ is: 'texts' }, (v) => {
  if (!Array.isArray(v)) return 'an array of strings';
  for (const item of v) if (typeof item !== 'string') return 'an array of strings';
  return undefined;
});

/** One of a closed list. */
export const oneOf = (...values: readonly unknown[]): Check =>
  checkOf({ is: 'constant', values }, (v) => (values.includes(v) ? undefined : `one of ${values.join(', ')}`));

/** An object whose every value passes `check`; the keys are free. */
export const mapOf = (check: Check): Check =>
  checkOf({ is: 'map', of: check }, (v) => {
    if (!isObject(v)) return 'an object';
    for (const [key, item] of Object.entries(v)) {
      const expected = check(item);
      if (expected !== undefined) return `${expected} in "${key}"`;
    }
    return undefined;
  });

/** An object with the given fields, all present except those in `mayLack`; further fields are ignored. */
export const objectOf = (fields: Readonly<Record<string, Check>>, ...mayLack: readonly string[]): Check =>
  checkOf({ is: 'object', fields, mayLack }, (v) => {
    if (!isObject(v)) return 'an object';
    for (const [key, check] of Object.entries(fields)) {
      if (v[key] === undefined && mayLack.includes(key)) continue;
      const expected = check(v[key]);
      if (expected !== undefined) return `${expected} in "${key}"`;
    }
    return undefined;
  });

export function isObject(v: unknown): v is Record<string, unknown> {
  return typeof v === 'object' && v !== null && !Array.isArray(v);
}
