import * as z from 'zod';
import { configSchema } from './schema.ts';

/** The JSON Schema (2020-12) of the configuration file, generated from the schema that validates it. */
export function configJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(configSchema, { io: 'input' });
  return {
    $schema,
    title: 'Platform Probes agent configuration',
    description: 'agent.yaml of probes-agent. Unknown keys are errors.',
    ...rest,
  };
}

/** The same as text: the content of `docs/agent.schema.json` and the output of `probes-agent schema`. */
export function configJsonSchemaText(): string {
  return `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
}
