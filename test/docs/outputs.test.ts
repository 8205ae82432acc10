import test from 'ava';
import { outputSchema } from '../../agent/outputs/kinds.ts';
import { Workplace } from '../agent/support/agent-process.ts';
import { agent } from '../agent/support/run.ts';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { recipes } from '../support/recipes.ts';
import { ROOT } from '../support/repository.ts';
import { APPLICATION_ID } from '../../agent/formats/host-id.ts';
import { EVENT_SCHEMA_FILE } from '../../installers/generated/event-schemas.ts';

const PAGE = readFileSync(path.join(ROOT, 'docs/outputs.md'), 'utf8');
const CONFIGURATIONS = recipes('yaml');

test('the page has configurations to copy', (t) => {
  t.true(CONFIGURATIONS.length >= 5);
});

for (const { title, text } of CONFIGURATIONS) {
  test.serial(`the configuration under "${title}" is good, as probes-agent check says`, async (t) => {
    using work = new Workplace();
    work.configure(text);
    const { code, stdout, stderr } = await agent('check', '--config', work.configFile);
    t.is(code, 0, stderr);
    t.regex(stdout, /: good\. Outputs: /u);
  });
}

test('each type of output has its row in the table of acknowledgements', (t) => {
  const section = PAGE.slice(PAGE.indexOf('## What an acknowledgement means'), PAGE.indexOf('## Who a line is from'));
  for (const { shape } of outputSchema.options)
    t.true(section.includes(`\n| \`${shape.type.value}\` |`), shape.type.value);
});

test('the page names the application id and the schema that are used', (t) => {
  t.true(PAGE.includes(APPLICATION_ID));
  t.true(PAGE.includes(`](${EVENT_SCHEMA_FILE.replace('docs/', '')})`));
});
