import * as z from 'zod';
import { configSchema } from './schema.ts';

/** The JSON Schema (2020-12) of the configuration file, made from the schema that validates it. */
export function configJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(configSchema, { io: 'input' });
  return {
    $schema,
    title: 'Platform Probes agent configuration',
    description: 'agent.yaml of probes-agent. Unknown keys are errors.',
    ...rest,
  };
}

/** The same as text, as `docs/agent.schema.json` holds it and `probes-agent schema` prints it. */
export function configJsonSchemaText(): string {
  return `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
}
