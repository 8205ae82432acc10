import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'yaml';

/** Schemas of others, which are not part of the project; their README names licences. */
export const FOLDER = path.resolve(import.meta.dirname, '../../../../../shared/data/schemas');
const FILE = path.join(FOLDER, 'ecs_flat.yml.gz');

/** For a test's title: says why it does not run, or is empty. */
export const SKIPPED = existsSync(FILE) ? '' : `[skipped: ${FILE} is absent] `;

interface Field {
  readonly type: string;
  readonly normalize: readonly string[];
  readonly allowed_values?: readonly { readonly name: string; readonly expected_event_types?: readonly string[] }[];
}

let fields: Readonly<Record<string, Field>> | undefined;

const schema = (): Readonly<Record<string, Field>> =>
  (fields ??= parse(gunzipSync(readFileSync(FILE)).toString('utf8')) as Record<string, Field>);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const DATE = /^\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/u;

const CHECKS: Readonly<Record<string, (value: unknown) => boolean>> = {
  keyword: (value) => typeof value === 'string',
  wildcard: (value) => typeof value === 'string',
  match_only_text: (value) => typeof value === 'string',
  // Elasticsearch's long has 64 bits: a duration in nanoseconds can be more than JavaScript represents exactly.
  long: (value) => Number.isInteger(value) && Math.abs(value as number) < 2 ** 63,
  date: (value) => typeof value === 'string' && DATE.test(value) && !Number.isNaN(Date.parse(value)),
};

/** The type of a field of ECS; undefined where it has no such field. */
export const ecsTypeOf = (name: string): string | undefined => schema()[name]?.type;

/** The objections of ECS to an event. Below `probes` everything is allowed: names of one's own at the top are. */
export function problemsOfEcs(event: Readonly<Record<string, unknown>>): string[] {
  const problems: string[] = [];
  for (const [name, value] of Object.entries(event)) if (name !== 'probes') check(name, value, problems);
  for (const name of ['@timestamp', 'ecs', 'event']) if (!(name in event)) problems.push(`${name} is missing`);
  const { category = [], type = [] } = event['event'] as { category?: string[]; type?: string[] };
  for (const name of category) {
    const expected = schema()['event.category']!.allowed_values!.find(
      (value) => value.name === name,
    )?.expected_event_types;
    for (const one of type)
      if (expected?.includes(one) !== true)
        problems.push(`event.type ${one} is not expected with event.category ${name}`);
  }
  return problems;
}

function check(name: string, value: unknown, problems: string[]): void {
  const field = schema()[name];
  if (isObject(value)) {
    if (field !== undefined && field.type !== 'object') problems.push(`${name} is no object`);
    if (Object.keys(value).length === 0) problems.push(`${name} is empty`);
    for (const [key, below] of Object.entries(value)) check(`${name}.${key}`, below, problems);
    return;
  }
  if (field === undefined) return void problems.push(`${name} is not in ECS`);
  const isList = field.normalize.includes('array');
  if (Array.isArray(value) !== isList) problems.push(`${name} is ${isList ? 'a list' : 'no list'}`);
  for (const item of Array.isArray(value) ? (value as unknown[]) : [value]) {
    if (CHECKS[field.type]?.(item) !== true)
      problems.push(`${name} is a ${field.type}, and not ${JSON.stringify(item)}`);
    if (field.allowed_values?.some((allowed) => allowed.name === item) === false)
      problems.push(`${name} cannot be ${JSON.stringify(item)}`);
  }
}
