/** The values of `{NAME}` in a subject. */
export interface SubjectValues {
  readonly host_id: string;
  readonly host: string;
  readonly boot_id: string;
  readonly stream: string;
  readonly type: string;
}

const NAMES: ReadonlyArray<keyof SubjectValues> = ['host_id', 'host', 'boot_id', 'stream', 'type'];
const PLACEHOLDER = /\{([A-Za-z_]+)\}/gu;

/** The longest subject, filled, is well below a server's 4096 bytes for a whole line. */
const MAX_TEMPLATE = 256;
const MAX_VALUE = 128;

export const SUBJECT_PLACEHOLDERS = NAMES.map((name) => `{${name}}`).join(', ');

/** Why a text is no subject to publish to, or undefined. */
export function subjectProblem(text: string): string | undefined {
  const unknown = [...text.matchAll(PLACEHOLDER)].find(([, name]) => !NAMES.includes(name as never))?.[1];
  if (unknown !== undefined) return `expected one of ${SUBJECT_PLACEHOLDERS}, not {${unknown.slice(0, 30)}}`;
  if (text.length > MAX_TEMPLATE) return `expected a subject of at most ${MAX_TEMPLATE} characters`;
  const bare = text.replaceAll(PLACEHOLDER, 'x');
  if (!bare.split('.').every((token) => /^[\x21-\x7e]+$/u.test(token) && !/[*>{}]/u.test(token)))
    return 'expected a subject such as probes.{host_id}.{type}: words with dots between them, without spaces, * and >';
  // $JS, $SYS and the like are the server's own.
  return /^(?:\$|_INBOX\.)/u.test(text) ? "expected a subject that is not the server's own" : undefined;
}

/** Fills a subject. A value becomes one token: all but letters, digits, `-` and `_` becomes `_`. */
export function subjectOf(template: string, values: SubjectValues): string {
  return template.replaceAll(PLACEHOLDER, (_, name: keyof SubjectValues) => tokenOf(values[name]));
}

function tokenOf(value: string): string {
  return value.slice(0, MAX_VALUE).replaceAll(/[^A-Za-z0-9_-]/gu, '_') || '_';
}

/** A pattern that takes all subjects of a template, for `nats stream add`. */
export function subjectPattern(template: string): string {
  const fixed = template.split('.');
  const first = fixed.findIndex((token) => token.includes('{'));
  return first === -1 ? template : [...fixed.slice(0, first), '>'].join('.');
}
