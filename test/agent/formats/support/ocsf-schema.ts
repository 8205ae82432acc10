import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { FOLDER } from './ecs-schema.ts';

const FILE = path.join(FOLDER, 'ocsf_process_activity_1007.schema.json');

/** For a test's title: says why it does not run, or is empty. */
export const SKIPPED = existsSync(FILE) ? '' : `[skipped: ${FILE} is absent] `;

interface Schema {
  readonly [key: string]: unknown;
  readonly properties: Readonly<Record<string, object>>;
}

const STRING = { type: 'string' };
const INTEGER = { type: 'integer' };
const object = (name: string): object => ({ $ref: `#/$defs/${name}` });
const list = (items: object): object => ({ type: 'array', items });
const closed = (required: readonly string[], properties: object): object => ({
  type: 'object',
  additionalProperties: false,
  required,
  properties,
});
const named = (properties: object = {}): object => ({
  ...closed([], { name: STRING, uid: STRING, src_url: STRING, ...properties }),
  anyOf: [{ required: ['name'] }, { required: ['uid'] }],
});

/**
 * Rules of OCSF 1.9 (events/findings, objects/) for the objects of a finding, as far as they are used here. Unused objects are left
 * out and refused, so an event that passes passes with the whole schema too.
 */
const FINDING_OBJECTS = {
  analytic: {
    ...closed(['type_id'], {
      name: STRING,
      uid: STRING,
      type: STRING,
      type_id: { enum: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 99] },
    }),
    anyOf: [{ required: ['name'] }, { required: ['uid'] }],
  },
  tactic: named(),
  technique: named(),
  sub_technique: named(),
  attack: {
    ...closed([], { tactic: object('tactic'), technique: object('technique'), sub_technique: object('sub_technique') }),
    anyOf: [{ required: ['tactic'] }, { required: ['technique'] }, { required: ['sub_technique'] }],
  },
  finding_info: closed(['uid'], {
    uid: STRING,
    title: STRING,
    created_time: INTEGER,
    analytic: object('analytic'),
    related_analytics: list(object('analytic')),
    attacks: list(object('attack')),
  }),
  evidences: { ...closed([], { process: object('process'), actor: object('actor') }), minProperties: 1 },
};

const CLASSIFICATION = ['activity_id', 'category_uid', 'class_uid', 'metadata', 'severity_id', 'time', 'type_uid'];

/** By class: the JSON Schema of Process Activity, and those of the classes that extend the same base event. */
function schemas(): Readonly<Record<number, object>> {
  const launch = JSON.parse(readFileSync(FILE, 'utf8')) as Schema & { $defs: object };
  const { properties, $defs } = launch;
  const of = (names: readonly string[]): object => Object.fromEntries(names.map((name) => [name, properties[name]!]));
  const base = of([
    'metadata',
    'device',
    'severity_id',
    'time',
    'unmapped',
    'message',
    'raw_data',
    'status_id',
    'activity_name',
  ]);
  return {
    1007: launch,
    2004: {
      $defs: { ...$defs, ...FINDING_OBJECTS },
      ...closed([...CLASSIFICATION, 'finding_info'], {
        ...base,
        activity_id: { enum: [0, 1, 2, 3, 99] },
        category_uid: { const: 2 },
        class_uid: { const: 2004 },
        type_uid: { enum: [200400, 200401, 200402, 200403, 200499] },
        status_id: { enum: [0, 1, 2, 3, 4, 5, 6, 99] },
        is_alert: { type: 'boolean' },
        finding_info: object('finding_info'),
        evidences: list(object('evidences')),
      }),
    },
    0: {
      $defs,
      ...closed(CLASSIFICATION, {
        ...base,
        activity_id: { enum: [0, 99] },
        category_uid: { const: 0 },
        class_uid: { const: 0 },
        type_uid: { enum: [0, 99] },
      }),
    },
  };
}

let validators: ReadonlyMap<number, ValidateFunction> | undefined;

function validatorOf(classUid: number): ValidateFunction | undefined {
  validators ??= new Map(
    Object.entries(schemas()).map(([uid, schema]) => [
      Number(uid),
      new Ajv2020({ strict: false, allErrors: true }).compile(schema),
    ]),
  );
  return validators.get(classUid);
}

/** The objections of OCSF to an event; undefined when it fits. */
export function problemsOfOcsf(event: Readonly<Record<string, unknown>>): string | undefined {
  const { class_uid: classUid, activity_id: activity, activity_name: name, type_uid: type } = event;
  const validate = validatorOf(classUid as number);
  if (validate === undefined) return `class_uid ${String(classUid)} is none that is used`;
  if (!validate(event)) return JSON.stringify(validate.errors);
  if (type !== (classUid as number) * 100 + (activity as number))
    return 'type_uid is not class_uid * 100 + activity_id';
  // Dictionary, activity_name: it has to be there for "Other".
  return activity === 99 && name === undefined ? 'an activity of 99 has to be named' : undefined;
}
