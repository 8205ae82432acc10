// npm run generate [-- --check]: writes the files of the repository that are made
// from its sources. With --check it only says which are out of date.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { configJsonSchemaText } from '../agent/config/json-schema.ts';
import { builtinRulesModule } from './generate/builtin-rules.ts';
import { helperReadingText } from './generate/helper-reading.ts';
import { complain, progress } from './progress.ts';
import { inCheckout } from './root-folder.ts';

const GENERATED = [
  { file: 'docs/agent.schema.json', text: configJsonSchemaText },
  { file: 'agent/detection/builtin-rules.ts', text: builtinRulesModule },
  { file: 'helper/README.md', text: helperReadingText },
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
