import { readFileSync } from 'node:fs';
import test from 'ava';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { configJsonSchema, configJsonSchemaText } from '../../../agent/config/json-schema.ts';
import { loadConfig } from '../../../agent/config/load.ts';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const EXAMPLE = 'agent/agent.example.yaml';

test('docs/agent.schema.json is what the schema says now', (t) => {
  t.is(read('docs/agent.schema.json'), configJsonSchemaText());
});

test('the example configuration passes the agent', (t) => {
  t.true(loadConfig(new URL(`../../../${EXAMPLE}`, import.meta.url).pathname).ok);
});

test('the example configuration passes the JSON Schema, and a wrong one does not', (t) => {
  const validate = new Ajv2020({ strict: false }).compile(configJsonSchema());
  const example = parse(read(EXAMPLE)) as object;
  t.true(validate(example), JSON.stringify(validate.errors));
  t.false(validate({ ...example, spool: {} }));
  t.true(
    validate({
      ...example,
      rules: {},
      filters: [{ detection: { a: { Image: '/x' }, condition: 'a' }, action: 'drop' }],
    }),
  );
  t.false(validate({ ...example, filters: [{ detection: { condition: 'a' }, action: 'dorp' }] }));
  t.false(validate({ ...example, rules: { min_level: 'lowest' } }));
  t.false(validate({ outputs: [{ name: 'a', type: 'file' }] }));
  t.false(validate({ outputs: [{ name: 'a', type: 'stdout', max_queue_bytes: '1MB' }] }));
});

test('every key has a description that an editor can show', (t) => {
  const undescribed: string[] = [];
  const visit = (node: unknown, path: string): void => {
    const { properties, items, oneOf } = node as {
      properties?: Record<string, { description?: string; const?: string }>;
      items?: unknown;
      oneOf?: unknown[];
    };
    for (const [key, value] of Object.entries(properties ?? {})) {
      if (value.description === undefined && value.const === undefined) undescribed.push(`${path}.${key}`);
      visit(value, `${path}.${key}`);
    }
    if (items !== undefined) visit(items, `${path}[]`);
    for (const option of oneOf ?? []) visit(option, path);
  };
  visit(configJsonSchema(), '');
  t.deepEqual(undescribed, []);
});
