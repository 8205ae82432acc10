// npm run generate [-- --check]: writes the files of the repository that are made from others. With --check it only
// says which are out of date.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { configJsonSchemaText } from '../agent/config/json-schema.ts';
import { builtinRulesModule } from '../installers/generated/builtin-rules.ts';
import { EVENT_SCHEMA_FILE, eventSchemaText } from '../installers/generated/event-schemas.ts';
import { formatsPage } from '../installers/generated/format-tables.ts';
import { helperReadingText } from '../installers/generated/helper-reading.ts';
import { kernelsPage } from '../installers/generated/kernel-results.ts';
import { complain, progress } from '../installers/tools/progress.ts';
import { inCheckout } from '../installers/tools/root-folder.ts';

const GENERATED = [
  { file: 'docs/agent.schema.json', text: configJsonSchemaText },
  { file: EVENT_SCHEMA_FILE, text: eventSchemaText },
  { file: 'agent/detection/builtin-rules.ts', text: builtinRulesModule },
  { file: 'helper/README.md', text: helperReadingText },
  { file: 'docs/kernels.md', text: kernelsPage },
  { file: 'docs/formats.md', text: formatsPage },
] as const;

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
for (const { file, text } of GENERATED) {
  const wanted = await text();
  const current = existsSync(inCheckout(file)) ? readFileSync(inCheckout(file), 'utf8') : '';
  if (current === wanted) {
    progress(`${file} is up to date`);
  } else if (values.check) {
    complain(`${file} is out of date; npm run generate makes it anew`);
    process.exitCode = 1;
  } else {
    writeFileSync(inCheckout(file), wanted);
    progress(`${file} was written`);
  }
}
