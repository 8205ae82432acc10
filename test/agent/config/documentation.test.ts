import { readFileSync } from 'node:fs';
import test from 'ava';
import { configJsonSchema } from '../../../agent/config/json-schema.ts';
import { parseConfig } from '../../../agent/config/load.ts';
import { ERRORS } from '../../../agent/errors.ts';
import { INTERNAL_EVENTS } from '../../../agent/telemetry/internal-events.ts';

const [CONFIGURATION, OUTPUTS] = ['configuration.md', 'outputs.md'].map((page) =>
  readFileSync(new URL(`../../../docs/${page}`, import.meta.url), 'utf8'),
) as [string, string];
const TEXT = CONFIGURATION + OUTPUTS;

test('the configuration that the documentation shows is good', (t) => {
  const [, yaml] = /```yaml\n([\s\S]*?)```/.exec(TEXT)!;
  t.true(parseConfig(yaml!, 'docs').ok);
});

test('the documentation names every key with its default', (t) => {
  const visit = (node: unknown, parent = ''): void => {
    const { properties, items, oneOf } = node as {
      properties?: Record<string, { default?: unknown }>;
      items?: unknown;
      oneOf?: unknown[];
    };
    for (const [key, value] of Object.entries(properties ?? {})) {
      const names = [`\`${key}\``, `\`${parent}${key}\``, `\`${key}.`];
      t.true(
        names.some((name) => TEXT.includes(name)),
        parent + key,
      );
      const byDefault = value.default;
      if (byDefault !== undefined && typeof byDefault !== 'object')
        t.true(TEXT.includes(`\`${String(byDefault)}\``), `${key}: ${String(byDefault)}`);
      visit(value, `${key}.`);
    }
    if (items !== undefined) visit(items);
    for (const option of oneOf ?? []) visit(option);
  };
  visit(configJsonSchema());
});

test('the documentation has every error of the table, and no other', (t) => {
  const [, rows = ''] =
    /\n## Errors and exit status\n[^]*?\n\| ---.*\n([^]*?)\n\n/.exec(TEXT.replaceAll(/\| *-+/g, '| ---')) ?? [];
  t.deepEqual(
    rows.split('\n').map((row) => row.replaceAll(/ *\| */g, '|')),
    Object.entries(ERRORS).map(
      ([code, error]) => `|\`${code}\`|${'status' in error ? error.status : ''}|${error.meaning}|${error.remedy}|`,
    ),
  );
});

test('the documentation names every event of the log', (t) => {
  for (const [name, [level]] of Object.entries(INTERNAL_EVENTS)) {
    const row = TEXT.split('\n').find((line) => line.startsWith('|') && line.includes(`\`${name}\``));
    t.truthy(row, name);
    t.true(row?.split('|')[2]?.includes(level), name);
  }
});
