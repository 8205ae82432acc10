import { configJsonSchema } from '../../agent/config/json-schema.ts';

/** A key of the configuration, as its schema has it. */
export interface Key {
  /** From the top, or from the output that it belongs to: `rules.suppress[].report`. */
  readonly path: string;
  readonly description: string;
  readonly required: boolean;
  readonly schema: KeySchema;
}

/** The keys of outputs that are the same for all of these types. */
interface SharedKeys {
  readonly types: readonly string[];
  readonly keys: readonly Key[];
}

interface OutputType {
  readonly type: string;
  readonly description: string;
  /** The keys that this type alone has, or has in a form of its own. */
  readonly keys: readonly Key[];
}

/** The parts of a JSON Schema (2020-12) that are used here. */
interface KeySchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly description?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, KeySchema>>;
  readonly required?: readonly string[];
  readonly items?: KeySchema;
  readonly oneOf?: readonly KeySchema[];
  readonly anyOf?: readonly KeySchema[];
}

/** All keys of the configuration: those outside of outputs, those that outputs share, and those of each type of output. */
export function configurationKeys(): {
  readonly top: readonly Key[];
  readonly types: readonly OutputType[];
  readonly shared: readonly SharedKeys[];
} {
  const { outputs, ...properties } = (configJsonSchema() as KeySchema).properties ?? {};
  const kinds = outputs?.items?.oneOf;
  if (outputs === undefined || kinds === undefined) throw new Error('the schema has no types of outputs');
  const required = (configJsonSchema() as KeySchema).required ?? [];
  const { items: _, ...list } = outputs;
  const top = keysOf({ properties: { ...properties, outputs: list }, required });

  const byType = kinds.map((kind) => ({
    type: String(kind.properties?.['type']?.const),
    description: kind.description ?? '',
    keys: keysOf(kind).filter(({ path }) => path !== 'type'),
  }));
  const typesOf = new Map<string, { key: Key; types: string[] }>();
  for (const { type, keys } of byType)
    for (const key of keys) {
      const known = typesOf.get(JSON.stringify(key));
      if (known === undefined) typesOf.set(JSON.stringify(key), { key, types: [type] });
      else known.types.push(type);
    }
  const groups = Map.groupBy(
    [...typesOf.values()].filter(({ types }) => types.length > 1),
    ({ types }) => types.join(', '),
  );
  return {
    top,
    shared: [...groups.values()]
      .map((group) => ({ types: group[0]?.types ?? [], keys: group.map(({ key }) => key) }))
      .toSorted((a, b) => b.types.length - a.types.length),
    types: byType.map(({ type, description, keys }) => ({
      type,
      description,
      keys: keys.filter((key) => typesOf.get(JSON.stringify(key))?.types.length === 1),
    })),
  };
}

/** The keys of an object and of everything below it. */
function keysOf(schema: KeySchema, above = ''): Key[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, value]) => {
    const path = `${above}${name}`;
    const { description = '' } = value;
    const { properties: _, items, oneOf = [], anyOf = [], ...own } = value;
    const required = schema.required?.includes(name) === true;
    const below = [
      ...keysOf(value, `${path}.`),
      ...(items === undefined ? [] : keysOf(items, `${path}[].`)),
      ...[...oneOf, ...anyOf].flatMap((each) => keysOf(each, `${path}.`)),
    ];
    return [{ path, description, required, schema: own }, ...below];
  });
}
