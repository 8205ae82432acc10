import { SEAL_FIELDS, SEAL_REQUIRED } from '../../agent/events/seal.ts';
import { SCHEMA_VERSION } from '../../agent/formats/identified.ts';
import { EXEC_FAILED_FIELDS, EXEC_FAILED_REQUIRED, EXEC_FIELDS, EXEC_REQUIRED } from '../../shared/events/exec.ts';
import { EXIT_FIELDS, EXIT_REQUIRED } from '../../shared/events/exit.ts';
import { FORK_FIELDS, FORK_REQUIRED } from '../../shared/events/fork.ts';
import { CLOCK_FIELDS, CLOCK_REQUIRED } from '../../shared/events/clock.ts';
import type { Check } from '../../shared/events/fields.ts';
import { GAP_FIELDS, GAP_REQUIRED } from '../../shared/events/gap.ts';

type Schema = Readonly<Record<string, unknown>>;

/** Where the schema of the current version lies. Those of older versions stay beside it, as they are. */
export const EVENT_SCHEMA_FILE = `docs/schemas/native-${SCHEMA_VERSION}.schema.json`;

/** The types that reach outputs, with their fields and those that are always there. */
const TYPES: Readonly<Record<string, readonly [Readonly<Record<string, Check>>, readonly string[]]>> = {
  exec: [EXEC_FIELDS, EXEC_REQUIRED],
  exec_failed: [EXEC_FAILED_FIELDS, EXEC_FAILED_REQUIRED],
  fork: [FORK_FIELDS, FORK_REQUIRED],
  exit: [EXIT_FIELDS, EXIT_REQUIRED],
  gap: [GAP_FIELDS, GAP_REQUIRED],
  clock: [CLOCK_FIELDS, CLOCK_REQUIRED],
  seal: [SEAL_FIELDS, SEAL_REQUIRED],
};

const TEXT: Schema = { type: 'string' };

/** Fields that the agent adds on every line of an output that says who its lines are from. */
const IDENTITY: Readonly<Record<string, Schema>> = {
  host_id: { type: 'string', pattern: '^[0-9a-f]{32}$' },
  host: TEXT,
  boot_id: TEXT,
  stream: TEXT,
  schema_version: { const: SCHEMA_VERSION },
  seal: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
};

/** The name of a user or group, and of the effective one where that is another. */
const NAMES: Schema = {
  type: 'object',
  properties: { name: TEXT, effective: { type: 'object', required: ['name'], properties: { name: TEXT } } },
};

/** Fields that the agent adds for an output that asks for facts: docs/enrichment.md. */
const FACTS: Readonly<Record<string, Schema>> = {
  user: NAMES,
  group: NAMES,
  parent: { type: 'object', properties: { command_line: TEXT } },
  hashes: {
    type: 'object',
    required: ['sha256'],
    properties: { sha256: { type: 'string', pattern: '^[0-9a-f]{64}$' } },
  },
};

/** Fields that the agent adds to an event that rules matched: docs/rules.md, "Alerts". Outputs can ask for the last three. */
const ALERT: Readonly<Record<string, Schema>> = {
  rules: {
    type: 'array',
    minItems: 1,
    items: {
      type: 'object',
      required: ['id', 'title'],
      properties: {
        id: TEXT,
        title: TEXT,
        level: TEXT,
        author: TEXT,
        tags: { type: 'array', items: TEXT },
        suppressed: { type: 'integer', minimum: 0 },
      },
    },
  },
  entity_id: TEXT,
  ancestors: {
    type: 'array',
    items: {
      type: 'object',
      required: ['pid'],
      properties: { pid: { type: 'integer', minimum: 0 }, entity_id: TEXT, exe: TEXT, command_line: TEXT },
    },
  },
  container: {
    type: 'object',
    required: ['id'],
    properties: { id: TEXT, runtime: TEXT, pod_uid: TEXT, qos: TEXT, name: TEXT, image: TEXT },
  },
};

/** The values that a check accepts, in JSON Schema. */
function schemaOf({ kind }: Check): Schema {
  switch (kind?.is) {
    case 'text':
      return TEXT;
    case 'texts':
      return { type: 'array', items: TEXT };
    case 'count':
      return { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
    case 'integer':
      return { type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER };
    case 'boolean':
      return { type: 'boolean' };
    case 'constant':
      return { enum: kind.values };
    case 'matching':
      return { type: 'string', pattern: kind.pattern.source };
    case 'map':
      return { type: 'object', additionalProperties: schemaOf(kind.of) };
    case 'object':
      return objectSchema(
        kind.fields,
        Object.keys(kind.fields).filter((name) => !kind.mayLack.includes(name)),
      );
    default:
      throw new Error('a field of an event has a check that cannot be said in JSON Schema; give it a kind');
  }
}

/** An object with these fields; further ones are allowed. */
function objectSchema(fields: Readonly<Record<string, Check>>, required: readonly string[]): Schema {
  return {
    type: 'object',
    required,
    properties: Object.fromEntries(Object.entries(fields).map(([name, check]) => [name, schemaOf(check)])),
  };
}

/** The JSON Schema (2020-12) of one line of an output in the native format. */
function eventSchema(): Record<string, unknown> {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `Platform Probes events, native format, version ${SCHEMA_VERSION}`,
    description:
      'One line of an output. Within a version fields are only ever added: ignore types and fields that you do not know.',
    type: 'object',
    required: ['type'],
    properties: { type: TEXT, ...IDENTITY, ...ALERT, ...FACTS },
    allOf: Object.keys(TYPES).map((type) => ({
      anyOf: [{ properties: { type: { not: { const: type } } } }, { $ref: `#/$defs/${type}` }],
    })),
    $defs: Object.fromEntries(
      Object.entries(TYPES).map(([type, [fields, required]]) => [type, objectSchema(fields, ['type', ...required])]),
    ),
  };
}

export function eventSchemaText(): string {
  return `${JSON.stringify(eventSchema(), null, 2)}\n`;
}
