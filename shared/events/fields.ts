/** What of JSON Schema 2020-12 a check says the same in. */
export type Schema = Readonly<Record<string, unknown>>;

/**
 * What a field of an event may hold. A check gets the parsed JSON value and
 * answers undefined when it fits, else a sentence part: what was expected.
 */
export interface Check {
  (value: unknown): string | undefined;
  /** The same as JSON Schema, for readers of the events. */
  readonly schema: Schema;
}

/** A check, and what it says in JSON Schema. */
export const checkOf = (schema: Schema, test: (value: unknown) => string | undefined): Check =>
  Object.assign(test, { schema });

/** One check for every field that `E` declares: the type and its parser cannot drift apart. */
export type Fields<E> = { readonly [K in keyof Required<E>]: Check };

export const text = checkOf({ type: 'string' }, (v) => (typeof v === 'string' ? undefined : 'a string'));

/** A whole number from 0 that JavaScript holds exactly. */
export const count = checkOf({ type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER }, (v) =>
  Number.isSafeInteger(v) && (v as number) >= 0 ? undefined : 'a whole number from 0',
);

export const integer = checkOf(
  { type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
  (v) => (Number.isSafeInteger(v) ? undefined : 'a whole number'),
);

export const yes = checkOf({ const: true }, (v) => (v === true ? undefined : 'true'));

export const flag = checkOf({ type: 'boolean' }, (v) => (typeof v === 'boolean' ? undefined : 'true or false'));

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

export const instant = checkOf({ type: 'string', pattern: RFC3339.source }, (v) =>
  typeof v === 'string' && RFC3339.test(v) ? undefined : 'an RFC 3339 time in UTC',
);

const SHA256 = /^[0-9a-f]{64}$/;

export const sha256 = checkOf({ type: 'string', pattern: SHA256.source }, (v) =>
  typeof v === 'string' && SHA256.test(v) ? undefined : 'a SHA-256 in lower-case hexadecimal',
);

export const texts = checkOf({ type: 'array', items: { type: 'string' } }, (v) => {
  if (!Array.isArray(v)) return 'an array of strings';
  for (const item of v) if (typeof item !== 'string') return 'an array of strings';
  return undefined;
});

/** One of a closed list. */
export const oneOf = (...allowed: readonly unknown[]): Check =>
  checkOf({ enum: allowed }, (v) => (allowed.includes(v) ? undefined : `one of ${allowed.join(', ')}`));

/** An object whose every value passes `check`; the keys are free. */
export const mapOf = (check: Check): Check =>
  checkOf({ type: 'object', additionalProperties: check.schema }, (v) => {
    if (!isObject(v)) return 'an object';
    for (const [key, item] of Object.entries(v)) {
      const expected = check(item);
      if (expected !== undefined) return `${expected} in "${key}"`;
    }
    return undefined;
  });

/** An object with the given fields, all there unless named in `optional`; further fields are ignored. */
export const objectOf = (fields: Readonly<Record<string, Check>>, ...optional: readonly string[]): Check =>
  checkOf(
    schemaOf(
      fields,
      Object.keys(fields).filter((name) => !optional.includes(name)),
    ),
    (v) => {
      if (!isObject(v)) return 'an object';
      for (const [key, check] of Object.entries(fields)) {
        if (v[key] === undefined && optional.includes(key)) continue;
        const expected = check(v[key]);
        if (expected !== undefined) return `${expected} in "${key}"`;
      }
      return undefined;
    },
  );

/** The schema of an object with these fields; further ones are allowed. */
export const schemaOf = (fields: Readonly<Record<string, Check>>, required: readonly string[]): Schema => ({
  type: 'object',
  required,
  properties: Object.fromEntries(Object.entries(fields).map(([name, { schema }]) => [name, schema])),
});

export function isObject(v: unknown): v is Record<string, unknown> {
  return typeof v === 'object' && v !== null && !Array.isArray(v);
}
