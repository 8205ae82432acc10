import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { itemOf, type StreamEvent } from '../../../../agent/events/item.ts';
import { formatOf } from '../../../../agent/formats/choice.ts';
import { ECS } from '../../../../agent/formats/ecs/mapping.ts';
import { DATA_STREAM } from '../../../../agent/outputs/elasticsearch/config.ts';
import { ROOT } from '../../../support/repository.ts';
import { ecsTypeOf, SKIPPED } from '../../formats/support/ecs-schema.ts';
import { anyEvent, anyPlatform, GOLDEN, RUNS } from '../../formats/support/events.ts';

interface Mapped {
  readonly type?: string;
  readonly enabled?: boolean;
  /** False: what is not named is kept, and not indexed. */
  readonly dynamic?: boolean;
  readonly ignore_above?: number;
  readonly index?: boolean;
  readonly properties?: Readonly<Record<string, Mapped>>;
}

const TEMPLATE = JSON.parse(readFileSync(path.join(ROOT, 'installers/elasticsearch/index-template.json'), 'utf8')) as {
  index_patterns: readonly string[];
  data_stream: object;
  template: { settings: Record<string, unknown>; mappings: Mapped };
};
const { mappings, settings } = TEMPLATE.template;

/** How a field is mapped. @returns undefined where it is not */
function mappedAt(name: string): Mapped | undefined {
  let at: Mapped | undefined = mappings;
  for (const part of name.split('.')) {
    if (at?.enabled === false) return at;
    at = at?.properties?.[part];
  }
  return at;
}

const CHECKS: Readonly<Record<string, (value: unknown) => boolean>> = {
  keyword: (value) => typeof value === 'string',
  wildcard: (value) => typeof value === 'string',
  long: (value) => Number.isInteger(value) && Math.abs(value as number) < 2 ** 63,
  double: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  date: (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value)),
};

/** The parts of a document that the template has no place for. */
function misfits(value: unknown, mapped: Mapped | undefined, name: string): string[] {
  if (mapped?.enabled === false) return [];
  if (Array.isArray(value)) return value.flatMap((one) => misfits(one, mapped, name));
  if (mapped?.type === undefined) {
    if (mapped?.properties === undefined) return [`${name} is not mapped`];
    if (typeof value !== 'object' || value === null) return [`${name} is no object`];
    return Object.entries(value)
      .filter(([key]) => mapped.dynamic !== false || Object.hasOwn(mapped.properties!, key))
      .flatMap(([key, below]) => misfits(below, mapped.properties![key], `${name}.${key}`));
  }
  return CHECKS[mapped.type]?.(value) === true ? [] : [`${name} is no ${mapped.type}`];
}

test('the template is for the data stream that events go to', (t) => {
  const patterns = TEMPLATE.index_patterns.map((pattern) =>
    pattern.replaceAll('.', String.raw`\.`).replaceAll('*', '.*'),
  );
  t.true(patterns.some((pattern) => new RegExp(`^${pattern}$`, 'u').test(DATA_STREAM)));
  t.deepEqual(TEMPLATE.data_stream, {});
  t.is(settings['index.mapping.ignore_malformed'], true, 'no value costs a document');
});

test('every field that format ecs writes is mapped', (t) => {
  const names = [...ECS.rows.map(({ to }) => to), 'event.original'];
  t.true(names.length > 90);
  t.deepEqual(
    names.filter((name) => mappedAt(name) === undefined),
    [],
  );
});

(SKIPPED === '' ? test : test.skip)(`${SKIPPED}types are those of ECS, where it has the field`, (t) => {
  const compared = [...ECS.rows.map(({ to }) => to), 'event.original']
    .filter((name) => !name.startsWith('probes.'))
    .map((name) => [name, mappedAt(name)?.type, ecsTypeOf(name)]);
  t.true(compared.length > 50);
  for (const [name, own, theirs] of compared) t.is(own, theirs, name);
});

test('no text is too long to be indexed: Lucene takes terms of 32,766 bytes', (t) => {
  const unbounded: string[] = [];
  const look = (mapped: Mapped, name: string): void => {
    if (mapped.type === 'keyword' && mapped.index !== false && (mapped.ignore_above ?? Infinity) * 4 > 32_766)
      unbounded.push(name);
    for (const [key, below] of Object.entries(mapped.properties ?? {})) look(below, `${name}.${key}`);
  };
  look(mappings, '');
  t.deepEqual(unbounded, []);
});

for (const { title, platform, event } of GOLDEN)
  test(`${title} fits`, async (t) => {
    t.deepEqual(misfits(await documentOf(event, platform), mappings, ''), []);
  });

test(`so does every one of ${RUNS} events of any kind`, async (t) => {
  await fc.assert(
    fc.asyncProperty(anyEvent, anyPlatform, async (event, platform) => {
      t.deepEqual(misfits(await documentOf(event, platform), mappings, ''), []);
    }),
    { numRuns: RUNS, seed: 18 },
  );
});

async function documentOf(event: StreamEvent, platform: 'linux' | 'macos' | 'windows'): Promise<unknown> {
  const format = await formatOf('ecs', { hostId: 'a'.repeat(32), host: 'walrus', stream: 'soc', platform });
  return JSON.parse(format.encode(itemOf(event), { bootId: 'boot', seal: 7 }));
}
