import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { EVENT_SCHEMA_FILE } from '../../installers/generated/event-schemas.ts';

const schema = JSON.parse(
  readFileSync(path.resolve(import.meta.dirname, '../..', EVENT_SCHEMA_FILE), 'utf8'),
) as object;
const validate = new Ajv2020({ strict: false, allErrors: true }).compile(schema);

/** The objections of the published schema to an event, as text; undefined when it fits. */
export function misfit(event: unknown): string | undefined {
  return validate(event) ? undefined : `${JSON.stringify(validate.errors)}: ${JSON.stringify(event)}`;
}
